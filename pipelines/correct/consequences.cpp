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

std::string days_of(const std::vector<std::int64_t>& begins_us) {
  constexpr std::size_t date = 10, most_named = 5;
  if (begins_us.empty()) return {};
  if (begins_us.size() > most_named) return std::to_string(begins_us.size()) + " daily reports made anew";
  std::string out = begins_us.size() == 1 ? "daily report of " : "daily reports of ";
  for (std::size_t i = 0; i < begins_us.size(); ++i)
    out.append(i == 0 ? "" : ", ").append(format_time(begins_us[i]).substr(0, date));
  return out + " made anew";
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
  sensors_not_judged += more.sensors_not_judged;
  for (const auto day : more.reported_days) {
    const auto at = std::ranges::lower_bound(reported_days, day);
    if (at == reported_days.end() || *at != day) reported_days.insert(at, day);
  }
}

std::string to_text(const consequences& all) {
  std::string out;
  for (const auto& part :
       {said_of(all.alerts, "alert", "alerts"), said_of(all.anomalies, "anomaly", "anomalies"), days_of(all.reported_days),
        all.sensors_not_judged == 0 ? std::string() : std::to_string(all.sensors_not_judged) + " sensors not judged"})
    if (!part.empty()) out.append(out.empty() ? "" : "; ").append(part);
  return out.empty() ? "no finding changes" : out;
}

void put_consequences(std::string& out, const consequences& all) {
  put_counts(out, all.alerts);
  put_counts(out, all.anomalies);
  put_varint(out, all.sensors_not_judged);
  put_varint(out, all.reported_days.size());
  for (const auto day : all.reported_days) put_zigzag(out, day);
}

bool get_consequences(std::string_view& in, consequences& all) {
  std::uint64_t days = 0;
  if (!get_counts(in, all.alerts) || !get_counts(in, all.anomalies) || !get_varint(in, all.sensors_not_judged) ||
      !get_varint(in, days) || days > in.size())
    return false;
  all.reported_days.resize(days);
  return std::ranges::all_of(all.reported_days, [&](std::int64_t& day) { return get_zigzag(in, day); });
}

}  // namespace factory
