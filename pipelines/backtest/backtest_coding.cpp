#include "pipelines/backtest/backtest_coding.hpp"

#include <cstdint>
#include <optional>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t result_version = 2;  // 1 ends before the faults that were left out

/// One description of the bytes for both ways: `way` puts what it is given, or gets it.
struct putting {
  std::string& out;
  bool operator()(std::uint64_t v) {
    put_varint(out, v);
    return true;
  }
  bool operator()(std::uint32_t v) { return (*this)(std::uint64_t{v}); }
  bool operator()(std::int64_t v) {
    put_zigzag(out, v);
    return true;
  }
  bool operator()(double v) {
    put_double(out, v);
    return true;
  }
  bool operator()(bool v) {
    put_byte(out, v ? 1 : 0);
    return true;
  }
  bool operator()(event_source v) {
    put_byte(out, static_cast<std::uint8_t>(v));
    return true;
  }
  bool operator()(const std::string& v) {
    put_text(out, v);
    return true;
  }
};

struct getting {
  std::string_view& in;
  bool operator()(std::uint64_t& v) { return get_varint(in, v); }
  bool operator()(std::uint32_t& v) { return get_varint_as(in, v); }
  bool operator()(std::int64_t& v) { return get_zigzag(in, v); }
  bool operator()(double& v) { return get_double(in, v); }
  bool operator()(bool& v) { return get_flag(in, v); }
  bool operator()(event_source& v) {
    std::uint8_t stored = 0;
    if (!get_byte(in, stored) || !is_event_source(stored)) return false;
    v = static_cast<event_source>(stored);
    return true;
  }
  bool operator()(std::string& v) { return get_text(in, v); }
};

template <class Value, class Each>
bool pass(putting& way, const std::vector<Value>& all, Each each) {
  way(std::uint64_t{all.size()});
  for (const auto& one : all) each(way, one);
  return true;
}
template <class Value, class Each>
bool pass(getting& way, std::vector<Value>& all, Each each) {
  std::uint64_t count = 0;
  if (!way(count) || count > way.in.size()) return false;
  all.resize(count);
  for (auto& one : all)
    if (!each(way, one)) return false;
  return true;
}

template <class Key, class Value, class Each>
bool pass(putting& way, const std::map<Key, Value>& all, Each each) {
  way(std::uint64_t{all.size()});
  for (const auto& [key, one] : all) {
    way(key);
    each(way, one);
  }
  return true;
}
template <class Key, class Value, class Each>
bool pass(getting& way, std::map<Key, Value>& all, Each each) {
  std::uint64_t count = 0;
  all.clear();
  if (!way(count) || count > way.in.size()) return false;
  for (; count > 0; --count) {
    Key key{};
    if (!way(key) || !each(way, all[key])) return false;
  }
  return true;
}

template <class Value, class Each>
bool pass(putting& way, const std::optional<Value>& one, Each each) {
  way(one.has_value());
  if (one) each(way, *one);
  return true;
}
template <class Value, class Each>
bool pass(getting& way, std::optional<Value>& one, Each each) {
  bool is_set = false;
  one.reset();
  if (!way(is_set)) return false;
  return !is_set || each(way, one.emplace());
}

constexpr auto as_it_is = [](auto& way, auto& value) { return way(value); };

constexpr auto of_figures = [](auto& way, auto& it) {
  return way(it.count) && way(it.longest_us) && way(it.total_us) && pass(way, it.first_us, as_it_is);
};

constexpr auto of_faults = [](auto& way, auto& it) {
  return way(it.faults) && way(it.found) && way(it.firings) && way(it.right) && pass(way, it.median_delay_us, as_it_is);
};

constexpr auto of_pipeline = [](auto& way, auto& it) { return way(it.id) && way(it.name) && way(it.sink); };

constexpr auto of_line = [](auto& way, auto& it) {
  return way(it.source) && way(it.rule) && way(it.name) && way(it.draft) && way(it.sensors) && of_figures(way, it.all) &&
         pass(way, it.by_sensor, of_figures) && pass(way, it.over_time, as_it_is) && pass(way, it.faults, of_faults) &&
         pass(way, it.pipeline, of_pipeline) && pass(way, it.by_machine, of_figures);
};

constexpr auto of_sums = [](auto& way, auto& it) {
  return way(it.count) && way(it.min) && way(it.max) && way(it.sum) && way(it.sum_error) && way(it.m2) && way(it.first_us) &&
         way(it.last_us) && way(it.first) && way(it.last);
};

constexpr auto of_series = [](auto& way, auto& it) {
  return way(it.pipeline) && way(it.sensor) && way(it.unit) && of_sums(way, it.all) && pass(way, it.over_time, of_sums);
};

constexpr auto of_result = [](auto& way, auto& it) {
  return way(it.begin_us) && way(it.end_us) && way(it.readings) && way(it.findings) && way(it.sensors) && way(it.faults) &&
         way(it.seconds) && way(it.digest) && pass(way, it.lines, of_line) && pass(way, it.differences, as_it_is) &&
         pass(way, it.drafted, of_series) && pass(way, it.drafted_names, as_it_is) && pass(way, it.machine_names, as_it_is);
};

}  // namespace

void encode(const backtest_result& result, std::string& out) {
  put_byte(out, result_version);
  putting way{out};
  of_result(way, result);
  way(result.faults_left_out);
}

bool decode(std::string_view in, backtest_result& result) {
  std::uint8_t version = 0;
  getting way{in};
  return get_byte(in, version) && version >= 1 && version <= result_version && of_result(way, result) &&
         (version < 2 || way(result.faults_left_out)) && in.empty();
}

}  // namespace factory
