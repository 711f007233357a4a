#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/edge/message.hpp"
#include "http/gate/gate_buffer.hpp"

namespace factory {

/// Finds the end of a request head in bytes that arrive piece by piece. Refuses at the first byte that no head may contain:
/// NUL and other controls, CR without LF, LF without CR, and a line that begins with a blank (obs-fold).
class head_scan {
 public:
  enum class verdict { need_more, complete, bad };
  /// `bytes` begin with those of the last call; more may follow. Each byte is examined once.
  verdict scan(std::string_view bytes);
  std::size_t end() const { return scanned_; }  ///< after `complete`: first byte after the head
  void reset() { scanned_ = 0; }

 private:
  std::size_t scanned_ = 0;
};

/// Why a request is not served: the status of its problem document and its sentence.
struct refusal {
  unsigned status = 0;  ///< 0 = nothing is wrong
  std::string_view detail;
  explicit operator bool() const { return status != 0; }
};

/// Beast's grammar of RFC 9112 over a head that is already in memory; fields are views into it. Of a chunked body it appends the
/// data to a buffer; extensions and trailers are checked and thrown away.
class request_parser : public boost::beast::http::basic_parser<true> {
 public:
  struct field {
    std::string_view name, value;
  };

  explicit request_parser(body_buffer& chunked_body) : body_(chunked_body) {}
  /// `head` ends with the empty line; the caller keeps it alive.
  refusal parse_head(std::string_view head);
  /// Returns how many of `bytes` it used. Unless is_done(), pass the rest again with more bytes appended.
  std::size_t put_chunked(std::string_view bytes, refusal& why);

  std::string_view method() const { return method_; }
  std::string_view target() const { return target_; }
  bool http_1_0() const { return version_ == 10; }
  /// The first field of that name, in any case; "" when there is none.
  std::string_view find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// All fields of that name as one list (RFC 9110, 5.3).
  std::string list(std::string_view name) const;

 private:
  using error_code = boost::beast::error_code;
  using text = boost::beast::string_view;

  refusal check_framing() const;

  void on_request_impl(boost::beast::http::verb, text method, text target, int version, error_code& ec) override;
  void on_response_impl(int, text, int, error_code&) override {}
  void on_field_impl(boost::beast::http::field, text name, text value, error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code& ec) override;
  std::size_t on_body_impl(text body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t, text, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code& ec) override;
  void on_finish_impl(error_code& ec) override;

  body_buffer& body_;
  std::string_view method_, target_;
  int version_ = 0;
  bool head_done_ = false;
  std::vector<field> fields_;
};

http_method to_method(std::string_view token);
bool same_text(std::string_view a, std::string_view b);  ///< ASCII letters compare equal in any case

}  // namespace factory
