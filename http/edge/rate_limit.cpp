#include "http/edge/rate_limit.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <random>
#include <span>

namespace factory {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t ways = 8;

std::int64_t rounded_up_s(std::int64_t ns) { return (ns + second_ns - 1) / second_ns; }

std::uint64_t random_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32U | source();
}

}  // namespace

rate_quota take_request(const rate_rule& rule, std::int64_t& full_at_ns, std::int64_t now_ns) {
  const std::int64_t each_ns = second_ns / rule.per_s, all_ns = each_ns * rule.most();
  const std::int64_t used_ns = std::max<std::int64_t>(0, full_at_ns - now_ns), wanted_ns = used_ns + each_ns;
  rate_quota quota{.limit = rule.most()};
  quota.allowed = wanted_ns <= all_ns;
  if (quota.allowed) full_at_ns = now_ns + wanted_ns;
  const std::int64_t left_ns = all_ns - (quota.allowed ? wanted_ns : used_ns);
  quota.remaining = std::max<std::int64_t>(0, left_ns / each_ns);
  quota.reset_s = rounded_up_s(all_ns - left_ns);
  quota.retry_s = rounded_up_s(std::max<std::int64_t>(0, each_ns - left_ns));
  return quota;
}

rate_table::rate_table(rate_rule rule, std::size_t buckets)
    : rule_(rule),
      seed_(random_seed()),
      sets_(std::bit_ceil(std::max(buckets, ways)) / ways),
      buckets_(std::make_unique<bucket[]>(sets_ * ways)) {}

rate_quota rate_table::take(std::string_view client, std::int64_t now_ns) {
  constexpr auto relaxed = std::memory_order_relaxed;
  const std::uint64_t hash = XXH3_64bits_withSeed(client.data(), client.size(), seed_);
  std::atomic<std::int64_t>& full_at_ns = bucket_of(std::max<std::uint64_t>(hash, 1), now_ns).full_at_ns;
  std::int64_t seen = full_at_ns.load(relaxed);
  for (;;) {
    std::int64_t changed = seen;
    const rate_quota quota = take_request(rule_, changed, now_ns);
    if (!quota.allowed) {
      refused_.fetch_add(1, relaxed);
      return quota;
    }
    if (full_at_ns.compare_exchange_weak(seen, changed, relaxed)) return quota;
  }
}

rate_table::bucket& rate_table::bucket_of(std::uint64_t client, std::int64_t now_ns) {
  constexpr auto relaxed = std::memory_order_relaxed;
  const std::span<bucket> candidates(&buckets_[(client & (sets_ - 1)) * ways], ways);
  for (;;) {
    for (bucket& each : candidates) {
      if (each.client.load(relaxed) == client) return each;
    }
    bucket& given_away = *std::ranges::min_element(candidates, {}, [](const bucket& b) { return b.full_at_ns.load(relaxed); });
    std::uint64_t before = given_away.client.load(relaxed);
    if (before == client || given_away.client.compare_exchange_strong(before, client, relaxed)) {
      given_away.full_at_ns.store(now_ns, relaxed);
      return given_away;
    }
  }
}

}  // namespace factory
