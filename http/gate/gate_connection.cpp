#include "http/gate/gate_connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#include "http/edge/limits.hpp"
#include "http/edge/problem.hpp"
#include "http/gate/gate_answer.hpp"
#include "http/gate/gate_target.hpp"

namespace factory {

namespace {

constexpr refusal too_many_bodies{503, "More bodies are on their way than the server may hold; send it again later"};
constexpr refusal body_too_large{413, "The body is larger than this route takes"};
/// The first size of a body's buffer is its Content-Length, but at most this. Beyond it the buffer grows with the received bytes.
constexpr std::size_t first_buffer_bytes = 1UL << 20;

}  // namespace

gate_connection::gate_connection(const gate_rules& rules, buffer_pool& buffers, std::string_view address,
                                 std::shared_ptr<const std::function<void()>> wake)
    : rules_(rules), buffers_(buffers), address_(address) {
  request_.wake = std::move(wake);
  request_.header = [this](std::string_view name) { return parser_->find(name); };
  request_.header_list = [this](std::string_view name) { return parser_->list(name); };
}

std::string_view gate_connection::advance(std::string_view input) {
  switch (phase_) {
    case phase::idle:
    case phase::head: return read_head(input);
    case phase::body: return read_body_part(input);
    case phase::answering:
    case phase::streaming: return input;
    case phase::closing: break;
  }
  return {};
}

std::string_view gate_connection::read_head(std::string_view input) {
  if (input.empty()) return {};
  phase_ = phase::head;
  const std::size_t held = head_.size();
  const std::string_view taken = input.substr(0, limits::request_head_bytes + 1 - held);
  head_.append(taken);
  switch (scan_.scan(head_)) {
    case head_scan::verdict::bad: refuse({400, "The request head holds a control, a bare CR or LF, or a folded line"}); return {};
    case head_scan::verdict::need_more:
      if (head_.size() > limits::request_head_bytes) refuse({431, "The request head is too large"});
      return input.substr(taken.size());
    case head_scan::verdict::complete: break;
  }
  const std::string_view rest = input.substr(scan_.end() - held);
  head_.resize(scan_.end());
  std::string_view head = head_;
  if (head.starts_with("\r\n")) head.remove_prefix(2);  // one empty line before a request is skipped (RFC 9112, 2.2)
  begin(head);
  return phase_ == phase::body ? advance(rest) : rest;
}

void gate_connection::begin(std::string_view head) {
  parser_.emplace(body_);
  if (const refusal why = parser_->parse_head(head)) return refuse(why);
  request_.method = to_method(parser_->method());
  if (!split_target(parser_->target(), request_.path, request_.query)) {
    return refuse({400, "The request target is not a path, or a percent escape in it is bad"});
  }
  request_.content_type = parser_->find("Content-Type");
  request_.accept = parser_->list("Accept");
  request_.client = address_;
  request_.entry = {};
  if (rules_.admit) rules_.admit(request_);
  if (const refusal why = begin_body()) return refuse(why);
  if (phase_ != phase::body) answer_request();
}

refusal gate_connection::begin_body() {
  chunked_ = parser_->chunked();
  body_expected_ = 0;
  if (const std::string_view length = parser_->find("Content-Length"); !length.empty()) {
    // check_framing has made sure that these are digits. A number beyond 64 bits is beyond the limit too.
    const auto [end, failed] = std::from_chars(length.data(), length.data() + length.size(), body_expected_);
    if (failed != std::errc{}) body_expected_ = SIZE_MAX;
  }
  if (!chunked_ && body_expected_ == 0) return {};
  body_limit_ = rules_.body_bytes(request_.method, request_.path);
  body_unread_ = refused_outright();
  if (body_unread_) return {};
  if (body_expected_ > body_limit_) return body_too_large;
  if (chunked_) parser_->body_limit(body_limit_);
  continue_owed_ = !parser_->http_1_0() && !parser_->find("Expect").empty();
  body_ = buffers_.take();
  phase_ = phase::body;
  return {};
}

/// True for a refused request whose body is not worth receiving: the answer goes out at once and closes the connection.
bool gate_connection::refused_outright() const {
  const bool waits = !parser_->find("Expect").empty();
  return request_.entry.refusal && (chunked_ || waits || body_expected_ > limits::refused_body_bytes);
}

std::string_view gate_connection::read_body_part(std::string_view input) {
  const std::string_view rest = chunked_ ? read_chunks(input) : read_body(input);
  if (phase_ == phase::body && !hold_body()) refuse(too_many_bodies);
  return rest;
}

/// Counts the received bytes of the body; false when all connections together would hold more than they may.
bool gate_connection::hold_body() {
  const std::size_t more = body_.size() - body_held_;
  body_held_ = body_.size();
  return rules_.body_bytes_held.fetch_add(more, std::memory_order_relaxed) + more <= rules_.body_bytes_in_all;
}

void gate_connection::let_go_of_body() {
  rules_.body_bytes_held.fetch_sub(std::exchange(body_held_, 0), std::memory_order_relaxed);
}

std::string_view gate_connection::read_body(std::string_view input) {
  const std::string_view taken = input.substr(0, body_expected_ - body_.size());
  if (!taken.empty()) body_.append(taken);
  if (body_.size() == body_expected_) {
    answer_request();
  } else if (continue_owed_ && body_.size() == 0) {
    output_.append("HTTP/1.1 100 Continue\r\n\r\n");
    continue_owed_ = false;
  }
  return input.substr(taken.size());
}

std::span<char> gate_connection::body_room() {
  if (phase_ != phase::body || chunked_) return {};
  const std::size_t missing = body_expected_ - body_.size();
  const std::size_t spare = std::max(body_.spare(), std::max(first_buffer_bytes, body_.size()));
  return body_.room(std::min(missing, spare));
}

std::string_view gate_connection::read_chunks(std::string_view input) {
  if (input.empty() && continue_owed_) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
  continue_owed_ = false;
  const bool rejoined = !chunk_rest_.empty();
  if (rejoined) chunk_rest_.append(input);
  const std::string_view bytes = rejoined ? std::string_view(chunk_rest_) : input;

  refusal why;
  const std::size_t used = parser_->put_chunked(bytes, why);
  const std::string_view rest = bytes.substr(used);
  if (why) return refuse(why), std::string_view();
  if (parser_->is_done()) {
    const std::string_view unread = input.substr(input.size() - rest.size());
    answer_request();
    return unread;
  }
  if (rest.size() > limits::request_head_bytes)
    return refuse({400, "A chunk's extensions or the trailers are too long"}), std::string_view();
  rejoined ? chunk_rest_.erase(0, used) : chunk_rest_.assign(rest);
  return {};
}

void gate_connection::answer_request() {
  request_.body = body_.view();
  http_response answer = guarded([this] { return rules_.handler(request_); });
  if (!answer.finish) return send_answer(answer);
  pending_ = std::move(answer);
  phase_ = phase::answering;
}

void gate_connection::finish_answer() {
  assert(phase_ == phase::answering);
  send_answer(guarded([this] { return complete(std::exchange(pending_, {})); }));
}

void gate_connection::send_answer(const http_response& answer) {
  const bool close_asked = body_unread_ || !parser_->keep_alive() || (answer.source && parser_->http_1_0());
  const bool keep_alive = !close_asked && !rules_.draining.load(std::memory_order_relaxed);
  const bool head_only = request_.method == http_method::head;
  const bool sent_so = append_answer(output_, answer, {head_only, keep_alive, parser_->http_1_0()});
  if (!answer.source || head_only || !sent_so) return end_request(keep_alive);
  source_ = answer.source;
  keep_alive_ = keep_alive;
  phase_ = phase::streaming;
}

bool gate_connection::next_piece() {
  ++pieces_;
  const bool chunks = !parser_->http_1_0();
  const std::size_t begin = output_.size();
  output_.reserve(begin + limits::piece_bytes + limits::piece_bytes / 8);
  if (chunks) output_.append(chunk_head_bytes, '\0');
  const expected<bool> more = ask_source();
  if (!more) {
    output_.resize(begin);
    source_.reset();
    return false;
  }
  if (chunks) close_chunk(output_, begin);
  if (*more) return true;
  if (chunks) output_.append(last_chunk);
  end_request(keep_alive_ && !rules_.draining.load(std::memory_order_relaxed));
  return true;
}

expected<bool> gate_connection::ask_source() {
  try {
    return source_->next(output_);
  } catch (const std::exception& e) {
    spdlog::error("{}: the answer is cut off: {}", request_.path, e.what());
  } catch (...) {
    spdlog::error("{}: the answer is cut off: an exception of unknown type", request_.path);
  }
  return fail(errc::unavailable, "an exception");
}

http_response gate_connection::guarded(const std::function<http_response()>& work) const {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    spdlog::error("{}: out of memory", request_.path);
    return problem(503, "Out of memory for this request; ask for less or try again");
  } catch (const std::exception& e) {
    spdlog::error("{}: {}", request_.path, e.what());
  } catch (...) {
    spdlog::error("{}: an exception of unknown type", request_.path);
  }
  return problem(500, "Internal error; the log of the server says more");
}

void gate_connection::refuse(const refusal& why) {
  const bool head_only = parser_ && parser_->method() == "HEAD";
  append_answer(output_, problem(why.status, why.detail), {head_only, false, false});
  end_request(false);
}

void gate_connection::time_out() {
  if (phase_ == phase::head || phase_ == phase::body) {
    refuse({408, "The request did not arrive in time"});
  } else {
    phase_ = phase::closing;
  }
}

void gate_connection::end_request(bool keep_alive) {
  ++requests_;
  parser_.reset();
  source_.reset();
  head_.clear();
  chunk_rest_.clear();
  scan_.reset();
  chunked_ = continue_owed_ = body_unread_ = false;
  body_expected_ = body_limit_ = 0;
  request_.body = request_.content_type = {};
  request_.accept.clear();
  buffers_.give(std::exchange(body_, {}));
  let_go_of_body();
  phase_ = keep_alive ? phase::idle : phase::closing;
}

}  // namespace factory
