// A connection's bytes: answered the same however they are cut; each answer is framed and reveals nothing internal.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "fuzz/fuzz.hpp"
#include "http/gate/gate_connection.hpp"
#include "http/support/gate_cases.hpp"

namespace {

using namespace factory;

const gate_rules& rules() {
  static gate_rules of_all;
  static const bool set = [] {
    spdlog::set_level(spdlog::level::off);
    test::set_echo(of_all);
    return true;
  }();
  static_cast<void>(set);
  return of_all;
}

void feed(gate_connection& connection, std::string_view input, bool directly, std::string& answers) {
  do {
    if (const auto room = connection.body_room(); directly && !room.empty() && !input.empty()) {
      const std::size_t count = std::min(room.size(), input.size());
      std::memcpy(room.data(), input.data(), count);
      input.remove_prefix(count);
      connection.body_received(count);
      fuzz::require(connection.advance({}).empty(), "nothing is left of no input");
    } else {
      input = connection.advance(input);
    }
    if (connection.now() == gate_connection::phase::answering) connection.finish_answer();
    while (connection.now() == gate_connection::phase::streaming) fuzz::require(connection.next_piece(), "a piece is made");
    answers += std::exchange(connection.output(), {});
  } while (!input.empty());
}

struct outcome {
  std::string answers;
  std::uint64_t requests = 0;
  bool closing = false;
  bool operator==(const outcome&) const = default;
};

void blank_dates(std::string& answers) {
  constexpr std::string_view name = "\r\nDate: ";
  constexpr std::size_t length = 29;
  for (std::size_t at = 0; (at = answers.find(name, at)) != std::string::npos; at += name.size())
    if (answers.size() >= at + name.size() + length) answers.replace(at + name.size(), length, length, '-');
}

outcome answer(std::string_view bytes, std::size_t piece, bool directly) {
  buffer_pool buffers;
  gate_connection connection(rules(), buffers);
  outcome out;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    feed(connection, fuzz::exact(bytes.substr(at, piece)).view(), directly, out.answers);
  blank_dates(out.answers);
  out.requests = connection.requests();
  out.closing = connection.closing();
  return out;
}

/// Each answer begins where the one before ends.
void check_framing(std::string_view answers, std::uint64_t requests) {
  std::uint64_t seen = 0;
  while (!answers.empty()) {
    fuzz::require(answers.starts_with("HTTP/1.1 "), "an answer begins with its status line");
    if (!answers.starts_with("HTTP/1.1 100 ")) ++seen;
    const std::size_t head = answers.find("\r\n\r\n"), field = answers.find("\r\nContent-Length: ");
    fuzz::require(head != std::string_view::npos, "a head ends");
    std::size_t length = 0;
    const std::string_view of_head = answers.substr(0, head);
    const bool chunks = of_head.find("\r\nTransfer-Encoding: ") != std::string_view::npos;
    const bool bodiless = of_head.starts_with("HTTP/1.1 204") || of_head.starts_with("HTTP/1.1 100");
    if (chunks)
      length = answers.find("\r\n0\r\n\r\n", head) + 7 - (head + 4);  // no piece of the echo holds this
    else if (field >= head && !bodiless)
      length = answers.size() - head - 4;  // HTTP/1.0: until the end
    else if (field < head)
      std::from_chars(answers.data() + field + 18, answers.data() + head, length);
    fuzz::require(answers.size() - head - 4 >= length, "a body is whole");
    answers.remove_prefix(head + 4 + length);
  }
  fuzz::require(seen == requests, "as many answers as requests");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::size_t piece = 1 + in.byte() % 64;
  const std::string_view bytes = in.rest();
  const outcome whole = answer(bytes, std::max<std::size_t>(bytes.size(), 1), false);
  if (bytes.find("HEAD") == std::string_view::npos) check_framing(whole.answers, whole.requests);  // HEAD: a length and no body
  if (bytes.find("secret") == std::string_view::npos)
    fuzz::require(whole.answers.find("secret") == std::string::npos, "no text of an exception reaches a client");
  std::string lower(bytes);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower.find("expect") != std::string::npos) return 0;  // whether the body is at hand decides
  for (const bool directly : {false, true})
    fuzz::require(answer(bytes, piece, directly) == whole, "the same answers however the bytes are cut");
  return 0;
}
