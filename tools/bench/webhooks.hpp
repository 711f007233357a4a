#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/server.hpp"

namespace factory::bench {

/// By webhook-id: when something happened to it first.
using webhook_times = std::map<std::string, std::chrono::steady_clock::time_point>;

/// Takes webhooks and notes when each was there: one thread, a few keep-alive connections. Thread-safe.
class webhook_receiver {
 public:
  webhook_receiver();
  ~webhook_receiver();
  webhook_receiver(const webhook_receiver&) = delete;
  webhook_receiver& operator=(const webhook_receiver&) = delete;

  std::uint16_t port() const { return port_; }
  /// When the webhook was there; nullopt while it is not.
  std::optional<std::chrono::steady_clock::time_point> seen(const std::string& id) const;

 private:
  void serve(const std::stop_token& stop);
  bool take(int fd);

  int listening_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex guard_;
  webhook_times seen_;
  std::map<int, std::string> open_;
  std::jthread thread_;
};

/// Posts one object; returns the id that it got. Throws when it is not answered 201.
std::uint32_t post_json(const server& to, std::string_view target, std::string_view body);

/// A channel to the receiver that tells each change by itself, or as `flood_control` says: further members.
std::uint32_t add_webhook(const server& to, const webhook_receiver& receiver,
                          std::string_view flood_control = R"("digest_above":0,"group_every_ms":0,"damp_chatter":false)");

/// How long each webhook took from its time in `posted`, in microseconds. Waits for those that are still on their way; throws when one
/// does not come within ten seconds.
std::vector<std::uint32_t> told_after_us(const webhook_times& posted, const webhook_receiver& receiver);

}  // namespace factory::bench
