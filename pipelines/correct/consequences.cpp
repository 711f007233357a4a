#include "pipelines/correct/consequences.hpp"

#include <algorithm>
#include <string_view>

#include "pipelines/model/coding.hpp"
#include "pipelines/model/time.hpp"

namespace factory {

namespace {

/// "2 alerts withdrawn, 1 raised"
std::string said_of(const finding_counts& counts, std::string_view one, std::string_view many) {
  std::string out;
  const auto say = [&](std::uint64_t count, std::string_view what) {
    if (count == 0) return;
    const bool first = out.empty();
    out.append(first ? "" : ", ").append(std::to_string(count)).append(" ");
    if (first) out.append(count == 1 ? one : many).append(" ");
    out.append(what);
  };
  say(counts.withdrawn, "withdrawn");
  say(counts.raised, "raised");
  say(counts.revised, "revised");
  return out;
}

/// "12 derived readings of bearing_difference made anew, 1 removed"
std::string said_of(const std::string& sensor, const derived_counts& counts) {
  const auto made = counts.replaced + counts.added;
  std::string out;
  const auto readings = [&](std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " derived reading of " : " derived readings of ") + sensor;
  };
  if (made != 0) out = readings(made) + " made anew";
  if (counts.removed != 0)
    out += made != 0 ? ", " + std::to_string(counts.removed) + " removed" : readings(counts.removed) + " removed";
  return out;
}

std::string said_of(const std::map<std::string, derived_counts>& derived) {
  constexpr std::size_t most_named = 5;
  std::string out;
  std::size_t named = 0;
  for (const auto& [sensor, counts] : derived) {
    if (++named > most_named) return out + "; " + std::to_string(derived.size() - most_named) + " derived sensors more";
    const auto said = said_of(sensor, counts);
    out.append(out.empty() || said.empty() ? "" : "; ").append(said);
  }
  return out;
}

std::string days_of(const std::vector<std::int64_t>& begins_us) {
  constexpr std::size_t date = 10, most_named = 5;
  if (begins_us.empty()) return {};
  if (begins_us.size() > most_named) return std::to_string(begins_us.size()) + " daily reports made anew";
  std::string out = begins_us.size() == 1 ? "daily report of " : "daily reports of ";
  for (std::size_t i = 0; i < begins_us.size(); ++i)
    out.append(i == 0 ? "" : ", ").append(format_time(begins_us[i]).substr(0, date));
  return out + " made anew";
}

/// "2 sensors not judged"; nothing when there is none
std::string number_of(std::uint64_t count, std::string_view one, std::string_view what) {
  if (count == 0) return {};
  return std::to_string(count).append(" ").append(one).append(count == 1 ? " " : "s ").append(what);
}

void put_counts(std::string& out, const finding_counts& counts) {
  for (const auto count : {counts.raised, counts.withdrawn, counts.revised}) put_varint(out, count);
}
bool get_counts(std::string_view& in, finding_counts& counts) {
  return get_varint(in, counts.raised) && get_varint(in, counts.withdrawn) && get_varint(in, counts.revised);
}

}  // namespace

void consequences::add(const consequences& more) {
  alerts.add(more.alerts);
  anomalies.add(more.anomalies);
  events.add(more.events);
  for (const auto& [sensor, counts] : more.derived) {
    auto& sum = derived[sensor];
    sum.replaced += counts.replaced;
    sum.removed += counts.removed;
    sum.added += counts.added;
  }
  pipelines_not_followed += more.pipelines_not_followed;
  machines_not_followed += more.machines_not_followed;
  sensors_not_judged += more.sensors_not_judged;
  for (const auto day : more.reported_days) {
    const auto at = std::ranges::lower_bound(reported_days, day);
    if (at == reported_days.end() || *at != day) reported_days.insert(at, day);
  }
}

std::string to_text(const consequences& all) {
  std::string out;
  for (const auto& part : {said_of(all.alerts, "alert", "alerts"), said_of(all.anomalies, "anomaly", "anomalies"),
                           said_of(all.derived), said_of(all.events, "event", "events"), days_of(all.reported_days),
                           number_of(all.sensors_not_judged, "sensor", "not judged"),
                           number_of(all.pipelines_not_followed, "pipeline", "not followed"),
                           number_of(all.machines_not_followed, "machine", "not followed")})
    if (!part.empty()) out.append(out.empty() ? "" : "; ").append(part);
  return out.empty() ? "no finding changes" : out;
}

void put_consequences(std::string& out, const consequences& all) {
  put_counts(out, all.alerts);
  put_counts(out, all.anomalies);
  put_varint(out, all.sensors_not_judged);
  put_varint(out, all.reported_days.size());
  for (const auto day : all.reported_days) put_zigzag(out, day);
  put_counts(out, all.events);
  put_varint(out, all.pipelines_not_followed);
  put_varint(out, all.derived.size());
  for (const auto& [sensor, counts] : all.derived) {
    put_text(out, sensor);
    for (const auto count : {counts.replaced, counts.removed, counts.added}) put_varint(out, count);
  }
  put_varint(out, all.machines_not_followed);
}

namespace {

bool get_derived(std::string_view& in, consequences& all) {
  std::uint64_t sensors = 0;
  if (!get_counts(in, all.events) || !get_varint(in, all.pipelines_not_followed) || !get_varint(in, sensors) ||
      sensors > in.size())
    return false;
  for (; sensors > 0; --sensors) {
    std::string sensor;
    if (!get_text(in, sensor)) return false;
    auto& counts = all.derived[sensor];
    if (!get_varint(in, counts.replaced) || !get_varint(in, counts.removed) || !get_varint(in, counts.added)) return false;
  }
  return true;
}

}  // namespace

bool get_consequences(std::string_view& in, consequences& all, std::uint8_t version) {
  std::uint64_t days = 0;
  if (!get_counts(in, all.alerts) || !get_counts(in, all.anomalies) || !get_varint(in, all.sensors_not_judged) ||
      !get_varint(in, days) || days > in.size())
    return false;
  all.reported_days.resize(days);
  if (!std::ranges::all_of(all.reported_days, [&](std::int64_t& day) { return get_zigzag(in, day); })) return false;
  return version < 2 || (get_derived(in, all) && (version < 3 || get_varint(in, all.machines_not_followed)));
}

}  // namespace factory
