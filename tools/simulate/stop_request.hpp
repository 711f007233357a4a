#pragma once

#include <csignal>
#include <ctime>

#include <cstdint>

namespace factory {

/// SIGINT and SIGTERM as something to wait for. While it lives they do nothing else. Make it before any thread.
class stop_request {
 public:
  stop_request() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }
  /// True as soon as one came, at the latest after `ms`.
  bool within_ms(std::int64_t ms) {
    const timespec longest{ms / 1'000, ms % 1'000 * 1'000'000};
    if (!came_) came_ = sigtimedwait(&signals_, nullptr, &longest) > 0;
    return came_;
  }

 private:
  sigset_t signals_;
  bool came_ = false;
};

}  // namespace factory
