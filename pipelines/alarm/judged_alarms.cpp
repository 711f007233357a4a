#include "pipelines/alarm/judged_alarms.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::uint8_t encoding_version = 0x81;  // a board alone begins with its own version, which is below 0x80

}  // namespace

void alarm_judge::put_command(std::string& out, const alarm_command& what) {
  put_byte(out, what.config ? 1 : 0);
  what.config ? put_config(out, *what.config) : put_zigzag(out, what.until_us);
}

bool alarm_judge::get_command(std::string_view& in, alarm_command& what) {
  std::uint8_t has_config = 0;
  if (!get_byte(in, has_config)) return false;
  return has_config != 0 ? get_config(in, what.config.emplace()) : get_zigzag(in, what.until_us);
}

void judged_alarms::observe(std::span<const alarm_row> rows, std::int64_t floor_us, std::int64_t received_at_us,
                            std::vector<event>& out) {
  std::size_t next = 0;
  bool corrected = false;
  const auto& known = judged_.rows();
  const auto newest_us = std::max(known.empty() ? INT64_MIN : known.newest_us(), judged_.newest_command_us());
  for (; next < rows.size() && rows[next].time_us <= newest_us; ++next) {
    const auto before = known.at(rows[next].time_us);
    if (before && *before == rows[next].value) continue;
    corrected = corrected || before;
    judged_.put({&rows[next].time_us, 1}, {&rows[next].value, 1});
  }
  revisable<alarm_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  book_.tell(differences, corrected ? "a reading was corrected" : "a reading came late", received_at_us, out);
  const auto told = out.size();
  for (; next < rows.size(); ++next) judged_.append({&rows[next].time_us, 1}, {&rows[next].value, 1}, received_at_us, out);
  book_.tell(std::span(out).subspan(told));
  judged_.settle(floor_us);
  book_.settle(floor_us);
}

void judged_alarms::configure(sensor_config config, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                              std::vector<event>& out) {
  config.stream.reset();  // of no use here
  revisable<alarm_judge>::differences differences;
  judged_.apply({std::move(config), 0}, std::max(at_us, judged_.newest_command_us()), received_at_us, differences);
  book_.tell(differences, "limits were changed", received_at_us, out);
  judged_.settle(floor_us);
  book_.settle(floor_us);
}

/// A delay decides at the instant at which it ends, whenever the tick comes: readings up to there stand before it.
void judged_alarms::advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  revisable<alarm_judge>::differences differences;
  for (auto due = due_us(), before = INT64_MIN; due <= time_us && due > before; before = due, due = due_us())
    judged_.apply({std::nullopt, due}, std::max(due, judged_.newest_command_us()), received_at_us, differences);
  book_.tell(differences, "time went by", received_at_us, out);
}

void judged_alarms::encode(std::string& out) const {
  put_byte(out, encoding_version);
  judged_.encode(out);
  book_.encode(out);
}

bool judged_alarms::decode(std::string_view& in) {
  if (!in.empty() && static_cast<std::uint8_t>(in.front()) < 0x80U) {
    alarm_judge alone;
    if (!alone.decode(in)) return false;
    judged_ = revisable<alarm_judge>(std::move(alone));
    book_ = {};
    return true;
  }
  std::uint8_t version = 0;
  return get_byte(in, version) && version == encoding_version && judged_.decode(in) && book_.decode(in);
}

}  // namespace factory
