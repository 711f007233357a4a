#include "http/edge/query.hpp"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "pipelines/model/reading_flags.hpp"
#include "pipelines/model/time.hpp"
#include "pipelines/model/time_text.hpp"

namespace factory {

namespace {

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, failed] = fast_float::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// In a query `+` reads as a space, so 10:00:00+01:00 sent without escaping arrives as 10:00:00 01:00.
std::string restore_plus(std::string_view text) {
  std::string restored(text);
  constexpr std::size_t shortest_time = sizeof "2026-01-19T10:00" - 1;
  const std::size_t sign = restored.rfind(' ');
  if (sign != std::string::npos && sign >= shortest_time) restored[sign] = '+';
  return restored;
}

}  // namespace

expected<void> check_query(const http_request& request, const std::vector<std::string_view>& known) {
  for (std::size_t i = 0; i < request.query.size(); ++i) {
    const std::string& name = request.query[i].first;
    const bool may_repeat = name == "label";
    if (std::ranges::count(known, name) == 0) {
      std::string list;
      for (const std::string_view one : known) list += (list.empty() ? "" : ", ") + std::string(one);
      return fail(errc::invalid,
                  "Unknown query parameter " + name + (list.empty() ? "; this call takes none" : "; known are " + list), name);
    }
    for (std::size_t before = 0; before < i && !may_repeat; ++before) {
      if (request.query[before].first == name) return fail(errc::invalid, "Query parameter " + name + " is there twice", name);
    }
  }
  return {};
}

std::optional<std::string_view> query_reader::text(std::string_view name) {
  for (const auto& [key, value] : request_.query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

void query_reader::fail_at(std::string_view name, std::string_view what_it_must_be) {
  if (fault_) return;
  fault_ = error{errc::invalid, std::string(name) + " must be " + std::string(what_it_must_be), std::string(name)};
}

std::optional<std::uint64_t> query_reader::integer(std::string_view name, std::uint64_t min, std::uint64_t max) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto number = parse_integer<std::uint64_t>(*given);
  if (number && *number >= min && *number <= max) return number;
  fail_at(name, "an integer of " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<std::uint32_t> query_reader::id(std::string_view name) {
  const auto number = integer(name, 1, std::numeric_limits<std::uint32_t>::max());
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

std::optional<double> query_reader::number(std::string_view name, double min, double max) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto number = parse_number(*given);
  if (number && *number >= min && *number <= max) return number;
  fail_at(name, "a finite number in its range");
  return std::nullopt;
}

std::optional<bool> query_reader::boolean(std::string_view name) {
  const auto index = word(name, {"false", "true"});
  return index ? std::optional(*index == 1) : std::nullopt;
}

std::optional<std::int64_t> query_reader::time_us(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto ms = parse_integer<std::int64_t>(*given);
  if (ms) return factory::to_time_us(*ms, precision::ms).value_or(*ms < 0 ? min_event_time_us : max_event_time_us);
  const std::string text = restore_plus(*given);
  const auto time = read_time(text);
  if (time) return *time;
  if (time.error() == time_fault::out_of_range) return text < "1970" ? min_event_time_us : max_event_time_us;
  fail_at(name, "a time: RFC 3339 text such as 2026-01-19T10:00:00Z, or an integer in milliseconds since 1970");
  return std::nullopt;
}

std::optional<std::int64_t> query_reader::duration_us(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto duration = parse_duration_us(*given);
  if (!duration) fail_at(name, "a duration such as 250ms, 10s, 5m, 1h or 1d");
  return duration;
}

std::optional<std::size_t> query_reader::word(std::string_view name, const std::vector<std::string_view>& words) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  const auto found = std::ranges::find(words, *given);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string list;
  for (const std::string_view one : words) list += (list.empty() ? "" : " or ") + std::string(one);
  fail_at(name, list);
  return std::nullopt;
}

label_set query_reader::labels() {
  label_set found;
  for (const auto& [name, value] : request_.query) {
    if (name != "label") continue;
    auto one = parse_label(value);
    if (!one || fault_of(*one)) {
      fail_at(name, "a key and a value with a colon between, such as line:3");
      return found;
    }
    if (found.find(one->key) != nullptr) fail_at(name, "given once for each key: a sensor has one value of " + one->key);
    found.put(std::move(*one));
  }
  return found;
}

std::uint8_t query_reader::left_out() {
  unsigned flags = left_out_flags;
  for (const std::string_view name : list("include").value_or(std::vector<std::string_view>{})) {
    const auto* const flag = std::ranges::find(flag_names, name, &named_flag::name);
    const bool known = flag != flag_names.end() && is_left_out(flag->bit);
    if (known) flags &= ~static_cast<unsigned>(flag->bit);
    if (!known) fail_at("include", "bad, excluded or both with a comma between");
  }
  return static_cast<std::uint8_t>(flags);
}

std::optional<std::vector<std::string_view>> query_reader::list(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= given->size();) {
    const std::size_t end = std::min(given->find(',', begin), given->size());
    parts.push_back(given->substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace factory
