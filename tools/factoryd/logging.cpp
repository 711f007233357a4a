#include "factoryd/logging.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string_view>

#include "http/edge/problem.hpp"
#include "http/edge/router.hpp"
#include "http/text/json_writer.hpp"

namespace factory {

namespace {

/// The access log entry that this thread writes; null for other lines.
thread_local const access_record* answered_request = nullptr;

double milliseconds(std::chrono::nanoseconds took) { return static_cast<double>(took.count() / 1'000) / 1e3; }

/// 2026-01-19T10:00:00.123Z
std::string time_text(const spdlog::log_clock::time_point& time) {
  using namespace std::chrono;
  const auto ms = duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::string seconds = format_time(ms / 1'000 * 1'000'000);
  return fmt::format("{}.{:03}Z", std::string_view(seconds).substr(0, seconds.size() - 1), ms % 1'000);
}

/// In the text format a control character could forge a line or move the cursor.
std::string printable(std::string_view text) {
  std::string out = to_utf8(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

std::string_view view(const spdlog::string_view_t& text) { return {text.data(), text.size()}; }

class text_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    fmt::format_to(std::back_inserter(out), "{} ", time_text(line.time));
    line.color_range_start = out.size();
    fmt::format_to(std::back_inserter(out), "{}", view(spdlog::level::to_string_view(line.level)));
    line.color_range_end = out.size();
    fmt::format_to(std::back_inserter(out), " {}", printable(view(line.payload)));
    if (const auto* r = answered_request) {
      fmt::format_to(std::back_inserter(out), " client={} method={} path={} status={} bytes={} ms={}", r->client,
                     to_text(r->method), printable(r->path), r->status, r->body_bytes, milliseconds(r->took));
      if (!r->whole) fmt::format_to(std::back_inserter(out), " cut=true");
    }
    if (const auto id = current_request_id(); !id.empty()) fmt::format_to(std::back_inserter(out), " request_id={}", id);
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<text_formatter>(); }
};

class json_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    json_writer json;
    json.begin_object().member("time", time_text(line.time)).member("level", view(spdlog::level::to_string_view(line.level)));
    json.member("message", to_utf8(view(line.payload)));
    if (const auto* r = answered_request) {
      json.member("client", r->client)
          .member("method", to_text(r->method))
          .member("path", to_utf8(r->path))
          .member("status", r->status);
      json.member("bytes", r->body_bytes).member("ms", milliseconds(r->took));
      if (!r->whole) json.member("cut", true);
    }
    if (const auto id = current_request_id(); !id.empty()) json.member("request_id", id);
    json.end_object();
    const std::string text = json.text();
    out.append(text.data(), text.data() + text.size());
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> log_formatter(const std::string& format) {
  if (format == "json") return std::make_unique<json_formatter>();
  return std::make_unique<text_formatter>();
}

void start_logging(const std::string& format, const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("factoryd"));
  spdlog::set_formatter(log_formatter(format));
  spdlog::set_level(spdlog::level::from_str(level));
}

void log_access(const access_record& answered) {
  // Bypasses the logger's level: the access log must also work with --log-level warn.
  const spdlog::details::log_msg line("", spdlog::level::info, "answered");
  answered_request = &answered;
  for (const auto& sink : spdlog::default_logger_raw()->sinks()) sink->log(line);
  answered_request = nullptr;
}

}  // namespace factory
