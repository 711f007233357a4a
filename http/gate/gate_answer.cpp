#include "http/gate/gate_answer.hpp"

#include <ctime>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "http/edge/problem.hpp"

namespace factory {

namespace {

/// "Sun, 06 Nov 1994 08:49:37 GMT" of now; written once a second and thread.
std::string_view http_date() {
  thread_local std::time_t written = -1;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t length = 0;
  const std::time_t now = std::time(nullptr);
  if (now != written) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    written = now;
  }
  return {text.data(), length};
}

bool is_safe(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

bool is_safe(const http_response& answer) {
  const auto safe_field = [](const auto& field) { return is_safe(field.first) && is_safe(field.second); };
  return is_safe(answer.content_type) && std::ranges::all_of(answer.headers, safe_field);
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool append_answer(std::string& out, const http_response& answer, const answer_framing& framing) {
  if (!is_safe(answer)) {
    append_answer(out, problem(500, "Internal error; the log of the server says more"), framing);
    return false;
  }

  const bool bodiless = answer.status == 204 || answer.status == 304;
  out.append("HTTP/1.1 ");
  append_number(out, answer.status);
  out.append(" ").append(reason_phrase(answer.status)).append("\r\n");
  append_field(out, "Date", http_date());
  if (!answer.content_type.empty() && !bodiless) append_field(out, "Content-Type", answer.content_type);
  if (answer.source) {
    if (!framing.http_1_0) append_field(out, "Transfer-Encoding", "chunked");
  } else if (!bodiless) {
    out.append("Content-Length: ");
    append_number(out, answer.body.size());
    out.append("\r\n");
  }
  if (!framing.keep_alive) {
    append_field(out, "Connection", "close");
  } else if (framing.http_1_0) {
    append_field(out, "Connection", "keep-alive");
  }
  for (const auto& [name, value] : answer.headers) append_field(out, name, value);
  out.append("\r\n");
  if (!framing.head_only && !bodiless) out.append(answer.body);
  return true;
}

void close_chunk(std::string& out, std::size_t begin) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::size_t size = out.size() - begin - chunk_head_bytes;
  if (size == 0) return out.resize(begin);  // an empty chunk would end the body
  out[begin + chunk_head_bytes - 2] = '\r';
  out[begin + chunk_head_bytes - 1] = '\n';
  for (std::size_t at = chunk_head_bytes - 2; at > 0; size >>= 4U) out[begin + --at] = digits[size & 15U];
  out.append("\r\n");
}

}  // namespace factory
