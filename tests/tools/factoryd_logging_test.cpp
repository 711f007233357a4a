#include "factoryd/logging.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <regex>
#include <sstream>

namespace factory {
namespace {

/// The log of `write`, without the time, whose form is checked.
std::string logged(const std::string& format, const std::function<void()>& write) {
  std::ostringstream out;
  const auto before = spdlog::default_logger();
  auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  logger->set_formatter(log_formatter(format));
  spdlog::set_default_logger(logger);
  write();
  spdlog::set_default_logger(before);
  return std::regex_replace(out.str(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"), "TIME");
}

/// A request that is answered with 200 and logged meanwhile.
void answer_a_request(const std::string& path) {
  http_request request;
  request.path = path;
  request.client = "192.0.2.7";
  request.header = [](std::string_view) { return std::string_view("abc"); };
  const auto fixed = [](const access_record& r) {
    log_access({r.request_id, r.method, r.path, r.client, r.status, r.body_bytes, std::chrono::microseconds(1'500)});
  };
  with_request_id(
      [](const http_request&) {
        spdlog::warn("inside");
        return http_response{200, "text/plain", "hello"};
      },
      fixed)(request);
}

TEST(factoryd_logging, a_line_of_text_has_time_level_and_message) {
  EXPECT_EQ(logged("text", [] { spdlog::info("hello {}", 1); }), "TIME info hello 1\n");
}

TEST(factoryd_logging, a_line_of_json_is_an_object) {
  EXPECT_EQ(logged("json", [] { spdlog::error("a \"quote\"\nand \xFF"); }),
            "{\"time\":\"TIME\",\"level\":\"error\",\"message\":\"a \\\"quote\\\"\\nand \xEF\xBF\xBD\"}\n");
}

TEST(factoryd_logging, lines_of_a_request_carry_its_id_and_its_last_one_what_was_answered) {
  EXPECT_EQ(logged("text", [] { answer_a_request("/x"); }),
            "TIME warning inside request_id=abc\n"
            "TIME info answered client=192.0.2.7 method=GET path=/x status=200 bytes=5 ms=1.5 request_id=abc\n");
  EXPECT_EQ(logged("json", [] { answer_a_request("/x"); }),
            "{\"time\":\"TIME\",\"level\":\"warning\",\"message\":\"inside\",\"request_id\":\"abc\"}\n"
            "{\"time\":\"TIME\",\"level\":\"info\",\"message\":\"answered\",\"client\":\"192.0.2.7\",\"method\":\"GET\",\"path\":"
            "\"/x\",\"status\":200,"
            "\"bytes\":5,\"ms\":1.5,\"request_id\":\"abc\"}\n");
}

TEST(factoryd_logging, an_answer_that_was_cut_off_is_marked) {
  const auto cut = [] {
    log_access({"abc", http_method::get, "/x", "192.0.2.7", 200, 5, std::chrono::microseconds(1'500), false});
  };
  EXPECT_EQ(logged("text", cut), "TIME info answered client=192.0.2.7 method=GET path=/x status=200 bytes=5 ms=1.5 cut=true\n");
  EXPECT_NE(logged("json", cut).find("\"cut\":true"), std::string::npos);
}

TEST(factoryd_logging, the_access_log_is_written_whatever_the_level_is) {
  const std::string text = logged("text", [] {
    spdlog::default_logger()->set_level(spdlog::level::err);
    answer_a_request("/x");
  });
  EXPECT_TRUE(text.starts_with("TIME info answered client=192.0.2.7 ")) << text;
  EXPECT_EQ(text.find("inside"), std::string::npos) << "other lines keep to the level";
}

TEST(factoryd_logging, a_path_cannot_forge_a_line) {
  const std::string text = logged("text", [] { answer_a_request("/x\n2026 info forged"); });
  EXPECT_NE(text.find("path=/x?2026 info forged status"), std::string::npos) << text;
}

}  // namespace
}  // namespace factory
