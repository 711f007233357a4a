#pragma once

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace factory::test {

/// What is logged, warnings and worse, while it is there. Comes before the threads that log, and goes behind them.
class log_of_test {
 public:
  log_of_test() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>("test", lines_);
    logger->set_level(spdlog::level::warn);
    spdlog::set_default_logger(std::move(logger));
  }
  ~log_of_test() { spdlog::set_default_logger(before_); }
  log_of_test(const log_of_test&) = delete;
  log_of_test& operator=(const log_of_test&) = delete;

  std::string text() const { return lines_->text(); }
  std::size_t lines() const { return static_cast<std::size_t>(std::ranges::count(text(), '\n')); }

 private:
  class kept_lines final : public spdlog::sinks::base_sink<std::mutex> {
   public:
    std::string text() {
      const std::lock_guard lock(mutex_);
      return text_;
    }

   private:
    void sink_it_(const spdlog::details::log_msg& message) override {
      text_.append(message.payload.data(), message.payload.size()) += '\n';
    }
    void flush_() override {}
    std::string text_;
  };

  std::shared_ptr<kept_lines> lines_ = std::make_shared<kept_lines>();
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace factory::test
