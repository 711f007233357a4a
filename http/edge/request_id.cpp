#include "http/edge/request_id.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "http/edge/limits.hpp"

namespace factory {

namespace {

thread_local std::string_view current;

bool is_good(std::string_view given) {
  constexpr std::string_view marks = "-_.:+/=@";
  const auto is_allowed = [&](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(static_cast<char>(c)) != marks.npos;
  };
  return !given.empty() && given.size() <= limits::request_id_bytes && std::ranges::all_of(given, is_allowed);
}

/// 13 characters, which a std::string holds without an allocation; each thread counts up from a place of its own.
std::string next_id() {
  thread_local std::uint64_t number = [] {
    std::random_device source;
    return std::uint64_t{source()} << 32U | source();
  }();
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<char, 13> text{};
  std::uint64_t rest = number++;
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, rest >>= 5U) *digit = digits[rest & 31U];
  return {text.data(), text.size()};
}

struct id_scope {
  explicit id_scope(std::string_view id) { current = id; }
  ~id_scope() { current = {}; }
  id_scope(const id_scope&) = delete;
  id_scope& operator=(const id_scope&) = delete;
};

}  // namespace

std::string_view current_request_id() { return current; }

namespace {

/// A request from its handler to the end of its answer, which may come much later on the same thread.
struct traced {
  std::string id;
  http_method method;
  std::string path, client;                     ///< "" without a log
  std::chrono::steady_clock::time_point start;  ///< likewise

  void end(http_response& answer, const access_log& log) const;
  void tell(const access_log& log, unsigned status, std::size_t body_bytes, bool whole) const {
    if (log) log({id, method, path, client, status, body_bytes, std::chrono::steady_clock::now() - start, whole});
  }
};

/// Writes the log entry when the answer ends.
class traced_source final : public body_source {
 public:
  traced_source(std::shared_ptr<body_source> inner, traced request, unsigned status, const access_log& log)
      : inner_(std::move(inner)), request_(std::move(request)), status_(status), log_(log) {}
  traced_source(const traced_source&) = delete;
  traced_source& operator=(const traced_source&) = delete;
  ~traced_source() override {
    const id_scope scope(request_.id);
    request_.tell(log_, status_, body_bytes_, whole_);
  }

  expected<bool> next(std::string& out) override {
    const id_scope scope(request_.id);
    const std::size_t before = out.size();
    const expected<bool> more = inner_->next(out);
    if (!more) spdlog::error("an answer is cut off: {}", more.error().message);
    if (more) body_bytes_ += out.size() - before;
    whole_ = more && !*more;
    return more;
  }

 private:
  std::shared_ptr<body_source> inner_;
  traced request_;
  unsigned status_;
  const access_log& log_;
  std::size_t body_bytes_ = 0;
  bool whole_ = false;
};

void traced::end(http_response& answer, const access_log& log) const {
  if (answer.source && method != http_method::head) {
    answer.source = std::make_shared<traced_source>(std::move(answer.source), *this, answer.status, log);
  } else {
    tell(log, answer.status, answer.body.size(), true);
  }
  answer.headers.emplace_back("X-Request-Id", id);
}

traced trace(const http_request& request, bool logged) {
  const std::string_view given = request.header ? request.header("X-Request-Id") : std::string_view();
  traced one{is_good(given) ? std::string(given) : next_id(), request.method, {}, {}, {}};
  if (logged) {
    one.path = request.path;
    one.client = request.client;
    one.start = std::chrono::steady_clock::now();
  }
  return one;
}

}  // namespace

http_handler with_request_id(http_handler inner, access_log log) {
  return [inner = std::move(inner), log = std::move(log)](const http_request& request) {
    traced one = trace(request, static_cast<bool>(log));
    const id_scope scope(one.id);
    http_response answer = inner(request);
    if (!answer.finish) {
      one.end(answer, log);
      return answer;
    }
    answer.finish = [first = std::move(answer.finish), one, &log](http_response& whole) {
      const id_scope later(one.id);
      first(whole);
      one.end(whole, log);
    };
    return answer;
  };
}

}  // namespace factory
