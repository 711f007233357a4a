#include "http/client/http_connection.hpp"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <optional>
#include <utility>

namespace factory {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using failure = http_connection::failure;
using std::chrono::steady_clock;

beast::string_view to_beast(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string http_place::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + port;
}

expected<http_place> parse_http_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const auto refuse = [&](std::string_view why) {
    return fail(errc::invalid,
                "the URL \"" + std::string(url) + "\" " + std::string(why) + "; it looks like http://127.0.0.1:8080", "url");
  };
  if (!url.starts_with(scheme)) return refuse("does not start with http://");
  std::string_view rest = url.substr(scheme.size());
  http_place out;
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  out.prefix = rest.substr(slash);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  rest = rest.substr(0, slash);
  const bool bracketed = rest.starts_with('[');
  const std::size_t host_end = bracketed ? rest.find(']') : std::min(rest.rfind(':'), rest.size());
  if (host_end == std::string_view::npos) return refuse("has no closing bracket");
  out.host = bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  const std::string_view tail = rest.substr(bracketed ? host_end + 1 : host_end);
  if (out.host.empty()) return refuse("names no host");
  if (tail.empty()) return out;
  unsigned port = 0;
  const auto [end, code] = std::from_chars(tail.data() + 1, tail.data() + tail.size(), port);
  if (tail[0] != ':' || code != std::errc{} || end != tail.data() + tail.size() || port == 0 || port > 65535) {
    return refuse("has no good port");
  }
  out.port = tail.substr(1);
  return out;
}

struct http_connection::impl {
  explicit impl(http_place to) : server(std::move(to)) {}

  http_place server;
  asio::io_context io{1};
  tcp::resolver resolver{io};
  beast::tcp_stream stream{io};
  beast::flat_buffer buffer;
  bool open = false;

  using request = http::request<http::span_body<const char>>;

  /// Lets `start` begin one step of the stream, which alone can time out, and waits for its end.
  template <class Start>
  error_code wait_for(Start start) {
    error_code result;
    start([&result](error_code code, auto&&...) { result = code; });
    io.restart();
    io.run();
    return result;
  }

  tl::unexpected<failure> failed(failure::step at, error_code code) {
    close();
    if (code == beast::error::timeout) return tl::unexpected(failure{failure::step::wait, "no answer in time"});
    const bool no_http =
        code.category() == http::make_error_code(http::error::bad_version).category() && code != http::error::end_of_stream;
    return tl::unexpected(failure{no_http ? failure::step::read : at, code.message()});
  }
  void close() {
    stream.close();
    open = false;
  }

  /// The stream's deadline does not cover the look-up. One that goes on after the deadline finds nobody waiting.
  tl::expected<tcp::resolver::results_type, failure> look_up(steady_clock::time_point until) {
    struct outcome {
      bool ended = false;
      error_code code;
      tcp::resolver::results_type places;
    };
    const auto found = std::make_shared<outcome>();
    resolver.async_resolve(server.host, server.port, [found](error_code code, tcp::resolver::results_type places) {
      *found = {true, code, std::move(places)};
    });
    io.restart();
    io.run_until(until);
    if (!found->ended) return failed(failure::step::find, beast::error::timeout);
    if (found->code) return failed(failure::step::find, found->code);
    return std::move(found->places);
  }

  tl::expected<void, failure> connect(steady_clock::time_point until) {
    const auto places = look_up(until);
    if (!places) return tl::unexpected(places.error());
    error_code code = wait_for([&](auto done) { stream.async_connect(*places, std::move(done)); });
    if (code) return failed(failure::step::connect, code);
    stream.socket().set_option(tcp::no_delay(true), code);
    buffer.clear();
    open = true;
    return {};
  }

  request to_request(const http_question& asked) const {
    request question;
    question.version(11);
    question.method_string(to_beast(asked.method));
    question.target(server.prefix + std::string(asked.target));
    question.set(http::field::host, server.text());
    question.set(http::field::user_agent, "factory-client");
    question.set(http::field::connection, "keep-alive");
    if (!asked.token.empty()) question.set(http::field::authorization, "Bearer " + std::string(asked.token));
    if (!asked.content_type.empty()) {
      question.set(http::field::content_type, to_beast(asked.content_type));
      question.body() = {asked.body.data(), asked.body.size()};
      question.prepare_payload();
    }
    return question;
  }

  tl::expected<http_answer, failure> exchange(const request& question, std::uint64_t most_bytes) {
    http::request_serializer<http::span_body<const char>> serializer(question);
    const error_code sent = wait_for([&](auto done) { http::async_write(stream, serializer, std::move(done)); });
    // The server may refuse a body before it has read it all: then its answer is there although writing failed.
    http::response_parser<http::string_body> parser;
    parser.body_limit(most_bytes);
    const error_code read = wait_for([&](auto done) { http::async_read(stream, buffer, parser, std::move(done)); });
    if (read) return failed(failure::step::talk, sent ? sent : read);
    auto got = parser.release();
    if (sent || !got.keep_alive()) close();
    return http_answer{got.result_int(), std::string(got[http::field::content_type]), std::move(got.body()),
                       std::string(got[http::field::retry_after])};
  }
};

http_connection::http_connection(http_place server) : impl_(std::make_unique<impl>(std::move(server))) {}
http_connection::~http_connection() = default;
http_connection::http_connection(http_connection&&) noexcept = default;
http_connection& http_connection::operator=(http_connection&&) noexcept = default;

tl::expected<http_answer, http_connection::failure> http_connection::ask(const http_question& question,
                                                                         std::chrono::milliseconds deadline,
                                                                         std::uint64_t most_bytes) {
  const auto until = steady_clock::now() + deadline;
  impl_->stream.expires_at(until);
  if (!impl_->open) {
    if (auto done = impl_->connect(until); !done) return tl::unexpected(std::move(done.error()));
  }
  return impl_->exchange(impl_->to_request(question), most_bytes);
}

bool http_connection::is_open() const { return impl_->open; }
const http_place& http_connection::server() const { return impl_->server; }

}  // namespace factory
