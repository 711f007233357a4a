#include "pipelines/alarm/alarm_options.hpp"

#include <cmath>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t options_version = 1;

}  // namespace

double alarm_options::margin_at(double limit) const { return deadband_in_percent ? std::abs(limit) / 100 * deadband : deadband; }

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
}

bool get_options(std::string_view& in, alarm_options& options) {
  std::uint8_t version = 0, in_percent = 0;
  const bool good = get_byte(in, version) && version == options_version && get_double(in, options.deadband) &&
                    get_byte(in, in_percent) && in_percent <= 1 && get_zigzag(in, options.on_delay_us) &&
                    get_zigzag(in, options.off_delay_us) && get_varint_as(in, options.count) && get_varint_as(in, options.of) &&
                    get_varint_as(in, options.priority) && get_text(in, options.message) && get_text(in, options.instructions);
  options.deadband_in_percent = in_percent == 1;
  return good && options.count >= 1 && options.of >= options.count;
}

}  // namespace factory
