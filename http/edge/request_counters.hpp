#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace factory {

/// Latencies of each call and class of status, as /metrics shows them. Lock-free: two relaxed additions an answer.
class request_counters {
 public:
  /// Upper bounds of the latency histogram's buckets; one more takes the rest.
  static constexpr std::array<double, 12> bounds_seconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                         0.01,   0.025,   0.1,    0.5,   2.5,    10};
  static constexpr std::size_t status_classes = 5;  ///< 1 = 1xx to 5 = 5xx

  explicit request_counters(std::size_t calls) : calls_(std::make_unique<call[]>(calls + 1)), count_(calls) {}
  /// Any index from `calls` up counts as "no call": unknown routes and methods.
  void record(std::size_t index, unsigned status, std::chrono::nanoseconds took);

  struct view {
    std::array<std::uint64_t, bounds_seconds.size() + 1> buckets{};  ///< not cumulative
    double seconds = 0;
  };
  view read(std::size_t index, std::size_t status_class) const;
  std::size_t size() const { return count_; }

  /// Answers in pieces.
  struct {
    std::atomic<std::uint64_t> open{0}, begun{0}, cut{0};
  } streams;

 private:
  struct histogram {
    std::array<std::atomic<std::uint64_t>, bounds_seconds.size() + 1> buckets{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };
  struct alignas(64) call {
    std::array<histogram, status_classes> by_class{};
  };
  std::unique_ptr<call[]> calls_;
  std::size_t count_;
};

}  // namespace factory
