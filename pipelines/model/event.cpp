#include "pipelines/model/event.hpp"

#include <charconv>

namespace factory {
namespace {

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
  const auto dash = in.find('-');
  if (dash == std::string_view::npos) return false;
  const auto known = parse_event_source(in.substr(0, dash));
  if (!known) return false;
  out = *known;
  in.remove_prefix(dash + 1);
  return true;
}

/// What is about a machine names the machine in place of the rule; every other one has a sensor.
bool names_somebody(const event_key& key) {
  return is_of_machine(key.source) ? key.sensor == 0 && key.rule != 0 : key.sensor != 0;
}

}  // namespace

const alarm_detail* event::alarm() const {
  if (const auto* const end = std::get_if<alarm_end_detail>(&detail)) return end;
  return std::get_if<alarm_detail>(&detail);
}

const alarm_detail* event::alarm_or_correction() const {
  if (const auto* const anew = std::get_if<revision_of<alarm_detail>>(&detail)) return &anew->figures;
  if (const auto* const anew = std::get_if<revision_of<alarm_end_detail>>(&detail)) return &anew->figures;
  return alarm();
}

double event::limit() const {
  if (const auto* const passed = std::get_if<limit_detail>(&detail)) return passed->limit;
  if (const auto* const passed = std::get_if<revision_of<limit_detail>>(&detail)) return passed->figures.limit;
  const auto* const passed = alarm_or_correction();
  return passed != nullptr ? passed->limit : 0;
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
  found.revision = out.revision;
  std::string_view rest = text;
  if (!take_integer(rest, found.sensor) || !take_integer(rest, found.event_time_us) || !take_source(rest, found.source) ||
      !take_integer(rest, found.rule))
    return false;
  // One finding has one id: leading zeros, a trailing dash and the like are refused.
  if (!names_somebody(found) || finding_id(found) != text) return false;
  out = found;
  return true;
}

bool same_finding(const event_key& a, const event_key& b) { return with_kind(a, {}) == with_kind(b, {}); }

event_key with_kind(event_key key, event_kind kind, std::uint32_t revision) {
  key.kind = kind;
  key.revision = revision;
  return key;
}

}  // namespace factory
