#include "pipelines/alarm/alarm_options.hpp"

#include <cmath>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t options_version = 4;
constexpr std::uint8_t without_anomalies = 3;   // ends before them
constexpr std::uint8_t without_schedule = 2;    // ends before it
constexpr std::uint8_t without_discipline = 1;  // ends before `latch`

void put_discipline(std::string& out, const alarm_options& options) {
  put_byte(out, options.latch ? 1 : 0);
  put_varint(out, options.suppressed_by);
  put_zigzag(out, options.re_alarm_us);
  put_zigzag(out, options.silence_us);
  put_double(out, options.low_low);
  put_double(out, options.high_high);
}

bool get_discipline(std::string_view& in, alarm_options& options) {
  std::uint8_t latch = 0;
  const bool good = get_byte(in, latch) && latch <= 1 && get_varint_as(in, options.suppressed_by) &&
                    get_zigzag(in, options.re_alarm_us) && get_zigzag(in, options.silence_us) &&
                    get_double(in, options.low_low) && get_double(in, options.high_high);
  options.latch = latch == 1;
  return good;
}

void put_anomalies(std::string& out, const anomaly_filter& which) {
  put_double(out, which.score);
  put_byte(out, static_cast<std::uint8_t>(which.level));
  put_varint(out, which.detectors);
}

bool get_anomalies(std::string_view& in, anomaly_filter& which) {
  std::uint8_t level = 0;
  if (!get_double(in, which.score) || !get_byte(in, level) || !is_severity(level) || !get_varint_as(in, which.detectors))
    return false;
  which.level = static_cast<severity>(level);
  return true;
}

}  // namespace

double alarm_options::margin_at(double limit) const {
  if (std::isinf(limit)) return 0;
  return deadband_in_percent ? std::abs(limit) / 100 * deadband : deadband;
}

void put_options(std::string& out, const alarm_options& options) {
  put_byte(out, options_version);
  put_double(out, options.deadband);
  put_byte(out, options.deadband_in_percent ? 1 : 0);
  put_zigzag(out, options.on_delay_us);
  put_zigzag(out, options.off_delay_us);
  put_varint(out, options.count);
  put_varint(out, options.of);
  put_varint(out, options.priority);
  put_text(out, options.message);
  put_text(out, options.instructions);
  put_discipline(out, options);
  put_schedule(out, options.schedule);
  put_anomalies(out, options.anomalies);
}

bool get_options(std::string_view& in, alarm_options& options) {
  std::uint8_t version = 0, in_percent = 0;
  const bool good = get_byte(in, version) && version >= without_discipline && version <= options_version &&
                    get_double(in, options.deadband) && get_byte(in, in_percent) && in_percent <= 1 &&
                    get_zigzag(in, options.on_delay_us) && get_zigzag(in, options.off_delay_us) &&
                    get_varint_as(in, options.count) && get_varint_as(in, options.of) && get_varint_as(in, options.priority) &&
                    get_text(in, options.message) && get_text(in, options.instructions);
  options.deadband_in_percent = in_percent == 1;
  if (!good || options.count < 1 || options.of < options.count) return false;
  if (version == without_discipline) return true;
  if (!get_discipline(in, options)) return false;
  if (version == without_schedule) return true;
  return get_schedule(in, options.schedule) && (version == without_anomalies || get_anomalies(in, options.anomalies));
}

}  // namespace factory
