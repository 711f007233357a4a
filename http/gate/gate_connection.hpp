#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/gate/gate.hpp"
#include "http/gate/gate_buffer.hpp"
#include "http/gate/gate_head.hpp"

namespace factory {

/// One connection as bytes in and bytes out: no socket, no clock, one thread.
///
///   * It works on one request at a time; output() holds answers in the order of the requests. Nothing is read while an answer is under way
///     (now() is `answering`; finish_answer() waits for it), nor while an answer is sent in pieces (`streaming`; next_piece() makes a piece
///     when the one before has been sent).
///   * A request that breaks a rule is answered and ends the connection: closing() is true and further input is thrown away,
///     because bytes after a damaged frame cannot be told from a forged request.
///   * Its memory for a request is bounded: the head by limits::request_head_bytes, the body by its route's limit, and all bodies
///     together by limits::body_bytes_in_all.
///   * A refused client gets its answer before the body has come. A body of up to limits::refused_body_bytes is received and thrown away,
///     so that the connection can continue; a larger one ends the connection.
class gate_connection {
 public:
  /// `address` is the client's; the caller keeps it alive. `wake` makes the connection's thread check answer_is_ready().
  gate_connection(const gate_rules& rules, buffer_pool& buffers, std::string_view address = {},
                  std::shared_ptr<const std::function<void()>> wake = {});
  ~gate_connection() { let_go_of_body(); }
  gate_connection(const gate_connection&) = delete;
  gate_connection& operator=(const gate_connection&) = delete;

  enum class phase { idle, head, body, answering, streaming, closing };
  phase now() const { return phase_; }
  bool closing() const { return phase_ == phase::closing; }
  /// Nothing is read: an answer is under way or being sent in pieces.
  bool busy() const { return phase_ == phase::answering || phase_ == phase::streaming; }
  std::size_t body_bytes_received() const { return body_.size(); }
  std::uint64_t requests() const { return requests_; }  ///< answered so far
  std::uint64_t pieces() const { return pieces_; }      ///< sent so far

  /// Works through `input` until a request is answered, or its answer is under way, or the input is used up. Returns the unused
  /// rest.
  [[nodiscard]] std::string_view advance(std::string_view input);

  /// True when finish_answer() would not wait. REQUIRES now() == answering.
  bool answer_is_ready() const { return !pending_.ready || pending_.ready(); }
  /// REQUIRES now() == answering.
  void finish_answer();

  /// REQUIRES now() == streaming. False when the answer cannot be completed: the caller must then reset the connection, so that the client
  /// does not take a part for the whole.
  [[nodiscard]] bool next_piece();

  /// While a body of known length is read: where its next bytes may be written directly, else empty. Then
  /// body_received() and advance({}).
  std::span<char> body_room();
  void body_received(std::size_t count) { body_.commit(count); }

  /// The time for the request is over: answers 408 if part of it has come, then closes.
  void time_out();
  void close() { phase_ = phase::closing; }

  std::string& output() { return output_; }
  const std::string& output() const { return output_; }

 private:
  std::string_view read_head(std::string_view input);
  std::string_view read_body(std::string_view input);
  std::string_view read_chunks(std::string_view input);
  void begin(std::string_view head);
  refusal begin_body();
  bool refused_outright() const;
  std::string_view read_body_part(std::string_view input);
  bool hold_body();
  void let_go_of_body();
  void answer_request();
  http_response guarded(const std::function<http_response()>& work) const;
  void send_answer(const http_response& answer);
  expected<bool> ask_source();
  void refuse(const refusal& why);
  void end_request(bool keep_alive);

  const gate_rules& rules_;
  buffer_pool& buffers_;
  const std::string_view address_;
  phase phase_ = phase::idle;

  head_scan scan_;
  std::string head_;                      ///< of the request being read; the parser's views point into it
  std::optional<request_parser> parser_;  ///< since the head was complete
  http_request request_;
  std::size_t body_limit_ = 0, body_expected_ = 0;
  bool chunked_ = false;
  bool continue_owed_ = false;
  bool body_unread_ = false;  ///< and never will be read: the answer closes the connection
  std::string chunk_rest_;    ///< the beginning of a chunk header or trailer whose end has not come
  body_buffer body_;
  std::size_t body_held_ = 0;            ///< counted in rules_.body_bytes_held
  http_response pending_;                ///< while answering
  std::shared_ptr<body_source> source_;  ///< while streaming
  bool keep_alive_ = false;              ///< while streaming: whether the connection stays open afterwards
  std::string output_;
  std::uint64_t requests_ = 0, pieces_ = 0;
};

}  // namespace factory
