#include "pipelines/judge/stream_rules.hpp"

#include <algorithm>
#include <unordered_map>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t rules_version = 2;  // with control charts: 1 has none, and is written where there are none

void put_bound(std::string& out, const std::optional<double>& bound) {
  put_byte(out, bound ? 1 : 0);
  if (bound) put_double(out, *bound);
}
bool get_bound(std::string_view& in, std::optional<double>& bound) {
  std::uint8_t there = 0;
  bound.reset();
  return get_byte(in, there) && there <= 1 && (there == 0 || get_double(in, bound.emplace()));
}

void put_spc(std::string& out, const spc_rules& spc) {
  put_byte(out, static_cast<std::uint8_t>((spc.western_electric ? 1U : 0U) | (spc.nelson ? 2U : 0U)));
  put_varint(out, spc.against.version);
  if (spc.against.version == 0) return;
  put_varint(out, spc.against.subgroup);
  put_double(out, spc.against.center);
  put_double(out, spc.against.mean_range);
  put_varint(out, spc.against.points);
}

bool get_spc(std::string_view& in, spc_rules& spc) {
  std::uint8_t sets = 0;
  auto& against = spc.against;
  if (!get_byte(in, sets) || sets > 3 || !get_varint_as(in, against.version)) return false;
  spc.western_electric = (sets & 1U) != 0;
  spc.nelson = (sets & 2U) != 0;
  if (against.version == 0) return true;
  return get_varint_as(in, against.subgroup) && against.subgroup >= 1 && against.subgroup <= largest_subgroup &&
         get_double(in, against.center) && get_double(in, against.mean_range) && get_varint(in, against.points);
}

bool get_setting(std::string_view& in, detector_setting& how) {
  std::uint8_t on = 0, direction = 0;
  if (!get_byte(in, on) || on > 1 || !get_byte(in, direction) ||
      direction > static_cast<std::uint8_t>(deviation_direction::down) || !get_double(in, how.sensitivity) ||
      !get_double(in, how.least_absolute) || !get_double(in, how.least_relative))
    return false;
  how.on = on == 1;
  how.direction = static_cast<deviation_direction>(direction);
  return how.sensitivity > 0;
}

/// The rules that sensors have now, by their bytes; a pool for each thread.
class rules_pool {
 public:
  std::shared_ptr<const stream_rules> find_or_add(const stream_rules& rules) {
    std::string bytes;
    put_stream_rules(bytes, rules);
    put_zigzag(bytes, rules.detect.least_pause_us);  // follows from the lateness, and is not stored
    if (auto known = known_[bytes].lock()) return known;
    if (known_.size() > most_before_a_look_) forget_unused();
    auto added = std::make_shared<const stream_rules>(rules);
    known_[bytes] = added;
    return added;
  }

 private:
  void forget_unused() {
    std::erase_if(known_, [](const auto& each) { return each.second.expired(); });
    most_before_a_look_ = 2 * known_.size() + 16;
  }

  std::unordered_map<std::string, std::weak_ptr<const stream_rules>> known_;
  std::size_t most_before_a_look_ = 16;
};

rules_pool& pool() {
  thread_local rules_pool of_this_thread;
  return of_this_thread;
}

}  // namespace

shared_stream_rules::shared_stream_rules(const stream_rules& rules) : rules_(pool().find_or_add(rules)) {}

void put_stream_rules(std::string& out, const stream_rules& rules) {
  const bool has_charts = rules.spc != spc_rules();
  put_byte(out, has_charts ? rules_version : 1);
  for (const auto us : {rules.allowed_lateness_us, rules.future_skew_us, rules.time_window_us}) put_zigzag(out, us);
  put_varint(out, rules.z_min_readings);
  put_double(out, rules.z_threshold);
  put_bound(out, rules.detect.physical_min);
  put_bound(out, rules.detect.physical_max);
  const detector_setting usual;
  put_varint(out,
             static_cast<std::uint64_t>(std::ranges::count_if(rules.detect.each, [&](const auto& how) { return how != usual; })));
  for (std::size_t i = 0; i < rules.detect.each.size(); ++i) {
    const auto& how = rules.detect.each[i];
    if (how == usual) continue;
    put_byte(out, static_cast<std::uint8_t>(i + 1));
    put_byte(out, how.on ? 1 : 0);
    put_byte(out, static_cast<std::uint8_t>(how.direction));
    put_double(out, how.sensitivity);
    put_double(out, how.least_absolute);
    put_double(out, how.least_relative);
  }
  if (has_charts) put_spc(out, rules.spc);
}

bool get_stream_rules(std::string_view& in, stream_rules& rules) {
  rules = {};
  std::uint8_t version = 0;
  std::uint64_t settings = 0;
  if (!get_byte(in, version) || version < 1 || version > rules_version || !get_zigzag(in, rules.allowed_lateness_us) ||
      !get_zigzag(in, rules.future_skew_us) || !get_zigzag(in, rules.time_window_us) ||
      !get_varint_as(in, rules.z_min_readings) || !get_double(in, rules.z_threshold) ||
      !get_bound(in, rules.detect.physical_min) || !get_bound(in, rules.detect.physical_max) || !get_varint(in, settings) ||
      settings > detector_count)
    return false;
  for (; settings > 0; --settings) {
    std::uint8_t id = 0;
    if (!get_byte(in, id) || id < 1 || id > detector_count || !get_setting(in, rules.detect.each[id - 1U])) return false;
  }
  return version < rules_version || get_spc(in, rules.spc);
}

bool get_stream_rules(std::string_view& in, std::optional<shared_stream_rules>& rules) {
  stream_rules read;
  rules.reset();
  if (!get_stream_rules(in, read)) return false;
  rules.emplace(read);
  return true;
}

}  // namespace factory
