#include "client/api_client.hpp"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

namespace factory {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using clock = std::chrono::steady_clock;

struct address {
  std::string host, port, prefix;
};

expected<address> parse_url(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const auto refuse = [&](std::string_view why) {
    return fail(errc::invalid,
                "the URL \"" + std::string(url) + "\" " + std::string(why) + "; it looks like http://127.0.0.1:8080", "url");
  };
  if (!url.starts_with(scheme)) return refuse("does not start with http://");
  std::string_view rest = url.substr(scheme.size());
  address out{.host = {}, .port = "80", .prefix = {}};
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  out.prefix = rest.substr(slash);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  rest = rest.substr(0, slash);
  const std::size_t host_end = rest.starts_with('[') ? rest.find(']') : std::min(rest.rfind(':'), rest.size());
  if (host_end == std::string_view::npos) return refuse("has no closing bracket");
  const bool bracketed = rest.starts_with('[');
  out.host = bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  const std::string_view tail = rest.substr(bracketed ? host_end + 1 : host_end);
  if (out.host.empty()) return refuse("names no host");
  if (!tail.empty()) {
    unsigned port = 0;
    const auto [end, code] = std::from_chars(tail.data() + 1, tail.data() + tail.size(), port);
    if (tail[0] != ':' || code != std::errc{} || end != tail.data() + tail.size() || port == 0 || port > 65535) {
      return refuse("has no good port");
    }
    out.port = tail.substr(1);
  }
  return out;
}

std::optional<std::chrono::milliseconds> retry_after(const http::response<http::string_body>& answer) {
  const auto text = answer[http::field::retry_after];
  unsigned seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code != std::errc{} || end != text.data() + text.size() || seconds > 3600) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

struct api_client::impl {
  client_config config;
  address server;
  asio::io_context io{1};
  beast::tcp_stream stream{io};
  beast::flat_buffer buffer;
  bool connected = false;
  std::uint64_t retries = 0;

  using request = http::request<http::span_body<const char>>;
  using response = http::response<http::string_body>;

  /// Runs one asynchronous step, begun by `start`, under its own deadline, and waits for its end.
  template <class Start>
  error_code wait_for(Start start) {
    error_code result;
    start([&result](error_code code, auto&&...) { result = code; });
    io.restart();
    io.run();
    return result;
  }

  std::string place() const {
    const bool v6 = server.host.find(':') != std::string::npos;
    return (v6 ? "[" + server.host + "]" : server.host) + ":" + server.port;
  }

  tl::unexpected<error> failed(std::string_view step, error_code code) const {
    if (code == beast::error::timeout) {
      return fail(errc::timed_out, place() + " did not answer within " + std::to_string(config.timeout_ms) +
                                       " ms; whether the request was carried out is not known");
    }
    if (code.category() == http::make_error_code(http::error::bad_version).category() && code != http::error::end_of_stream) {
      return fail(errc::malformed, place() + " does not answer in HTTP (" + code.message() + "); is it factoryd?");
    }
    return fail(errc::unavailable, "cannot " + std::string(step) + " " + place() + " (" + code.message() +
                                       "); is factoryd running there? Start it with tools/dev run, or give another --url");
  }

  expected<void> connect() {
    asio::ip::tcp::resolver resolver(io);
    asio::ip::tcp::resolver::results_type places;
    error_code code;
    places = resolver.resolve(server.host, server.port, code);
    if (code) return failed("find", code);
    code = wait_for([&](auto done) { stream.async_connect(places, std::move(done)); });
    if (code) return failed("connect to", code);
    stream.socket().set_option(asio::ip::tcp::no_delay(true), code);
    buffer.clear();
    connected = true;
    return {};
  }

  void disconnect() {
    stream.close();
    connected = false;
  }

  error_code exchange(const request& question, response& answer) {
    http::request_serializer<http::span_body<const char>> serializer(question);
    error_code code = wait_for([&](auto done) { http::async_write(stream, serializer, std::move(done)); });
    // The server may refuse a body before it has read all of it; then an answer exists although writing failed.
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{1} << 30);
    const error_code read = wait_for([&](auto done) { http::async_read(stream, buffer, parser, std::move(done)); });
    if (read) return code ? code : read;
    answer = parser.release();
    if (code || answer.need_eof()) disconnect();
    return {};
  }

  expected<response> attempt(const request& question) {
    for (bool again = false;; again = true) {
      const bool reused = connected;
      stream.expires_after(std::chrono::milliseconds(config.timeout_ms));
      if (!connected) {
        if (auto done = connect(); !done) return tl::unexpected(std::move(done.error()));
      }
      response answer;
      const error_code code = exchange(question, answer);
      if (!code) return answer;
      disconnect();
      if (again || !reused || code == beast::error::timeout) return failed("talk to", code);
    }
  }

  expected<http_answer> ask(http::verb verb, std::string_view target, std::string_view body, std::string_view type) {
    request question{verb, server.prefix + std::string(target), 11};
    question.set(http::field::host, place());
    question.set(http::field::user_agent, "factory-client");
    if (!config.token.empty()) question.set(http::field::authorization, "Bearer " + config.token);
    question.keep_alive(true);
    question.set(http::field::connection, "keep-alive");
    if (!type.empty()) {
      question.set(http::field::content_type, beast::string_view(type.data(), type.size()));
      question.body() = {body.data(), body.size()};
      question.prepare_payload();
    }
    std::chrono::milliseconds pause(50), left(config.patience_ms);
    for (;;) {
      auto got = attempt(question);
      if (!got) return tl::unexpected(std::move(got.error()));
      if (got->result_int() != 503 || left.count() <= 0) return to_answer(std::move(*got));
      const auto wait = std::min(retry_after(*got).value_or(pause), left);
      pause = std::min(pause * 2, std::chrono::milliseconds(2'000));
      left -= std::max(wait, std::chrono::milliseconds(1));
      ++retries;
      std::this_thread::sleep_for(wait);
    }
  }

  static http_answer to_answer(response got) {
    return {got.result_int(), std::string(got[http::field::content_type]), std::move(got.body())};
  }
};

api_client::api_client(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
api_client::~api_client() = default;
api_client::api_client(api_client&&) noexcept = default;
api_client& api_client::operator=(api_client&&) noexcept = default;

expected<api_client> api_client::open(client_config config) {
  auto server = parse_url(config.url);
  if (!server) return tl::unexpected(std::move(server.error()));
  if (const char* token = std::getenv("FACTORY_TOKEN"); token != nullptr && config.token.empty()) config.token = token;
  auto opened = std::make_unique<impl>();
  opened->config = std::move(config);
  opened->server = std::move(*server);
  return api_client(std::move(opened));
}

expected<http_answer> api_client::get(std::string_view target) { return impl_->ask(http::verb::get, target, {}, {}); }

expected<http_answer> api_client::post(std::string_view target, std::string_view body, std::string_view content_type) {
  return impl_->ask(http::verb::post, target, body, content_type);
}

expected<http_answer> api_client::patch(std::string_view target, std::string_view body, std::string_view content_type) {
  return impl_->ask(http::verb::patch, target, body, content_type);
}

std::uint64_t api_client::retry_count() const { return impl_->retries; }

}  // namespace factory
