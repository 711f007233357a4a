#include "pipelines/model/event.hpp"

#include <charconv>

namespace factory {
namespace {

constexpr auto sources = {event_source::z_score, event_source::min_threshold, event_source::max_threshold,
                          event_source::alert_rule};

/// Reads an integer and the dash behind it (or the end of the text) from the front of `in`.
template <class Integer>
bool take_integer(std::string_view& in, Integer& out) {
  const char* const end = in.data() + in.size();
  const auto [stop, failure] = std::from_chars(in.data(), end, out);
  if (failure != std::errc{} || (stop != end && *stop != '-')) return false;
  in.remove_prefix(static_cast<std::size_t>(stop - in.data()) + (stop == end ? 0 : 1));
  return true;
}

bool take_source(std::string_view& in, event_source& out) {
  for (const auto source : sources) {
    const auto name = to_text(source);
    if (!in.starts_with(name) || in.substr(name.size(), 1) != "-") continue;
    out = source;
    in.remove_prefix(name.size() + 1);
    return true;
  }
  return false;
}

}  // namespace

std::string_view to_text(event_kind kind) {
  switch (kind) {
    case event_kind::anomaly: return "anomaly";
    case event_kind::alert_raised: return "alert_raised";
    case event_kind::alert_cleared: return "alert_cleared";
    case event_kind::alert_acknowledged: return "alert_acknowledged";
  }
  return "unknown";
}

std::string_view to_text(event_source source) {
  switch (source) {
    case event_source::z_score: return "z_score";
    case event_source::min_threshold: return "min_threshold";
    case event_source::max_threshold: return "max_threshold";
    case event_source::alert_rule: return "alert_rule";
  }
  return "unknown";
}

std::string finding_id(const event_key& key) {
  std::string id = std::to_string(key.sensor);
  id.append("-").append(std::to_string(key.event_time_us));
  id.append("-").append(to_text(key.source));
  id.append("-").append(std::to_string(key.rule));
  return id;
}

bool parse_finding_id(std::string_view text, event_key& out) {
  event_key found;
  found.kind = out.kind;
  std::string_view rest = text;
  if (!take_integer(rest, found.sensor) || !take_integer(rest, found.event_time_us) || !take_source(rest, found.source) ||
      !take_integer(rest, found.rule))
    return false;
  // One finding has one id: leading zeros, a trailing dash and the like are refused.
  if (found.sensor == 0 || finding_id(found) != text) return false;
  out = found;
  return true;
}

}  // namespace factory
