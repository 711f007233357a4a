#include "client/api_client.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

namespace factory {

namespace {

constexpr std::uint64_t answer_bytes = std::uint64_t{1} << 30U;

std::optional<std::chrono::milliseconds> retry_after(const http_answer& answer) {
  const std::string& text = answer.retry_after;
  unsigned seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code != std::errc{} || end != text.data() + text.size() || seconds > 3600) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

struct api_client::impl {
  client_config config;
  http_connection connection;
  std::uint64_t retries = 0;

  tl::unexpected<error> failed(const http_connection::failure& why) const {
    using step = http_connection::failure::step;
    const std::string place = connection.server().text();
    if (why.at == step::wait) {
      return fail(errc::timed_out, place + " did not answer within " + std::to_string(config.timeout_ms) +
                                       " ms; whether the request was carried out is not known");
    }
    if (why.at == step::read) {
      return fail(errc::malformed, place + " does not answer in HTTP (" + why.reason + "); is it factoryd?");
    }
    const char* const doing = why.at == step::find ? "find" : why.at == step::connect ? "connect to" : "talk to";
    return fail(errc::unavailable, "cannot " + std::string(doing) + " " + place + " (" + why.reason +
                                       "); is factoryd running there? Start it with tools/dev run, or give another --url");
  }

  expected<http_answer> attempt(const http_question& question) {
    for (bool again = false;; again = true) {
      const bool reused = connection.is_open();
      auto answer = connection.ask(question, std::chrono::milliseconds(config.timeout_ms), answer_bytes);
      if (answer) return std::move(*answer);
      if (again || !reused || answer.error().at == http_connection::failure::step::wait) return failed(answer.error());
    }
  }

  expected<http_answer> ask(http_question question) {
    question.token = config.token;
    std::chrono::milliseconds pause(50), left(config.patience_ms);
    for (;;) {
      auto got = attempt(question);
      if (!got || got->status != 503 || left.count() <= 0) return got;
      const auto wait = std::min(retry_after(*got).value_or(pause), left);
      pause = std::min(pause * 2, std::chrono::milliseconds(2'000));
      left -= std::max(wait, std::chrono::milliseconds(1));
      ++retries;
      std::this_thread::sleep_for(wait);
    }
  }
};

api_client::api_client(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
api_client::~api_client() = default;
api_client::api_client(api_client&&) noexcept = default;
api_client& api_client::operator=(api_client&&) noexcept = default;

expected<api_client> api_client::open(client_config config) {
  auto server = parse_http_url(config.url);
  if (!server) return tl::unexpected(std::move(server.error()));
  if (const char* token = std::getenv("FACTORY_TOKEN"); token != nullptr && config.token.empty()) config.token = token;
  return api_client(std::unique_ptr<impl>(new impl{std::move(config), http_connection(std::move(*server))}));
}

expected<http_answer> api_client::get(std::string_view target) { return impl_->ask({"GET", target}); }

expected<http_answer> api_client::post(std::string_view target, std::string_view body, std::string_view content_type) {
  return impl_->ask({"POST", target, content_type, body});
}

expected<http_answer> api_client::patch(std::string_view target, std::string_view body, std::string_view content_type) {
  return impl_->ask({"PATCH", target, content_type, body});
}

std::uint64_t api_client::retry_count() const { return impl_->retries; }

}  // namespace factory
