#include "http/gate/gate_head.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

#include "http/edge/limits.hpp"

namespace factory {

namespace beast = boost::beast;
using http_error = beast::http::error;

namespace {

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Newer Beast (Debian 13's) tells several lengths from a bad one.
template <class Error>
bool is_length_fault(const beast::error_code& ec) {
  if constexpr (requires { Error::multiple_content_length; }) {
    if (ec == Error::multiple_content_length) return true;
  }
  return ec == Error::bad_content_length;
}

refusal explain(const beast::error_code& ec) {
  if (ec == http_error::bad_version) return {505, "Only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (ec == http_error::header_limit) return {431, "The request head is too large"};
  if (ec == http_error::body_limit) return {413, "The body is larger than this route takes"};
  if (is_length_fault<http_error>(ec)) return {400, "Content-Length must be one unsigned integer"};
  if (ec == http_error::bad_transfer_encoding) return {400, "Transfer-Encoding contradicts another field"};
  if (ec == http_error::bad_method) return {400, "The request line does not begin with a method"};
  if (ec == http_error::bad_target) return {400, "The request target holds a byte that it may not"};
  if (ec == http_error::bad_chunk || ec == http_error::bad_chunk_extension) return {400, "The chunked body is damaged"};
  return {400, "The request head is not HTTP"};
}

bool is_host_byte(char c) {
  constexpr std::string_view others = "-._~:[]%!$&'()*+,;=";
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
}

}  // namespace

head_scan::verdict head_scan::scan(std::string_view bytes) {
  for (std::size_t i = scanned_; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const char before = i > 0 ? bytes[i - 1] : '\0';
    const bool control = (c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7F;
    const bool bare = (c == '\n') != (before == '\r');
    const bool folded = before == '\n' && (c == ' ' || c == '\t');
    if (control || bare || folded) return verdict::bad;
    if (c == '\n' && i >= 3 && bytes[i - 2] == '\n') {
      scanned_ = i + 1;
      return verdict::complete;
    }
  }
  scanned_ = bytes.size();
  return verdict::need_more;
}

refusal request_parser::parse_head(std::string_view head) {
  header_limit(static_cast<std::uint32_t>(limits::request_head_bytes));
  body_limit(UINT64_MAX);  // the route's limit, once it is known; without a limit Beast 1.74 refuses every length
  fields_.reserve(16);
  beast::error_code ec;
  const std::size_t used = put(boost::asio::buffer(head.data(), head.size()), ec);
  if (ec) return explain(ec);
  if (used != head.size() || !is_header_done()) return {400, "The request head is not HTTP"};
  return check_framing();
}

refusal request_parser::check_framing() const {
  const std::size_t lengths = count("Content-Length"), codings = count("Transfer-Encoding");
  if (lengths > 0 && codings > 0) return {400, "Content-Length and Transfer-Encoding must not come together"};
  if (lengths > 1) return {400, "Content-Length must be one unsigned integer"};
  const std::string_view length = find("Content-Length");
  if (length.find_first_not_of("0123456789") != std::string_view::npos) {
    return {400, "Content-Length must be one unsigned integer"};
  }
  if (codings > 0 && http_1_0()) return {400, "HTTP/1.0 has no Transfer-Encoding"};
  if (codings > 0 && (codings > 1 || !same_text(find("Transfer-Encoding"), "chunked"))) {
    return {501, "The only transfer coding taken is chunked"};
  }
  const std::size_t hosts = count("Host");
  if (hosts > 1 || (hosts == 0 && !http_1_0())) return {400, "A request needs exactly one Host field"};
  if (!std::ranges::all_of(find("Host"), is_host_byte)) return {400, "Host is not a host name"};
  const std::string_view expected = find("Expect");
  if (!expected.empty() && !same_text(expected, "100-continue")) return {417, "The only expectation met is 100-continue"};
  return {};
}

std::size_t request_parser::put_chunked(std::string_view bytes, refusal& why) {
  // Beast 1.74 aborts on an assertion when it gets fewer bytes than this of a last chunk. No chunked body ends in fewer.
  constexpr std::size_t shortest_end = 5;  // "0" CR LF CR LF
  std::size_t used = 0;
  while (bytes.size() - used >= shortest_end && !is_done()) {
    beast::error_code ec;
    used += put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), ec);
    if (ec == http_error::need_more) break;
    if (ec) {
      why = explain(ec);
      break;
    }
  }
  return used;
}

std::string_view request_parser::find(std::string_view name) const {
  const auto found = std::ranges::find_if(fields_, [&](const field& f) { return same_text(f.name, name); });
  return found == fields_.end() ? std::string_view() : found->value;
}

std::size_t request_parser::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(fields_, [&](const field& f) { return same_text(f.name, name); }));
}

std::string request_parser::list(std::string_view name) const {
  std::string all;
  for (const field& each : fields_) {
    if (same_text(each.name, name)) all.append(all.empty() ? "" : ", ").append(each.value);
  }
  return all;
}

void request_parser::on_request_impl(beast::http::verb, text method, text target, int version, error_code&) {
  method_ = view(method);
  target_ = view(target);
  version_ = version;
}

void request_parser::on_field_impl(beast::http::field, text name, text value, error_code& ec) {
  if (head_done_) return;  // a trailer: never mixed with the fields of the head
  if (fields_.size() == limits::request_fields) {
    ec = http_error::header_limit;
    return;
  }
  fields_.push_back({view(name), view(value)});
}

void request_parser::on_header_impl(error_code&) { head_done_ = true; }
void request_parser::on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) {}
std::size_t request_parser::on_body_impl(text body, error_code&) { return body.size(); }
void request_parser::on_chunk_header_impl(std::uint64_t, text, error_code&) {}
std::size_t request_parser::on_chunk_body_impl(std::uint64_t, text body, error_code&) {
  body_.append(view(body));
  return body.size();
}
void request_parser::on_finish_impl(error_code&) {}

http_method to_method(std::string_view token) {
  if (token == "GET") return http_method::get;
  if (token == "HEAD") return http_method::head;
  if (token == "POST") return http_method::post;
  if (token == "PATCH") return http_method::patch;
  if (token == "PUT") return http_method::put;
  if (token == "DELETE") return http_method::delete_;
  if (token == "OPTIONS") return http_method::options;
  return http_method::other;
}

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace factory
