#include "storage/series/time_series.hpp"
#include "storage/base/limits.hpp"
#include "storage/series/block_cache.hpp"

#include "storage/series/run_merge.hpp"
#include "storage/series/window_reader.hpp"

#include <algorithm>
#include <limits>

namespace factory {

namespace {

void append(reading_run& to, const reading_run& rows, std::size_t limit) {
  for (std::size_t row = 0; row < rows.size() && to.size() < limit; ++row)
    to.push_back(rows.event_time_us[row], rows.value[row], rows.flags[row]);
}
void append_backwards(reading_run& to, const reading_run& rows, std::size_t limit) {
  for (std::size_t row = rows.size(); row > 0 && to.size() < limit; --row)
    to.push_back(rows.event_time_us[row - 1], rows.value[row - 1], rows.flags[row - 1]);
}

}  // namespace

time_series::time_series(database& db) : db_(db), decoded_(std::make_unique<block_cache>(limits::decoded_block_bytes)) {}
std::size_t time_series::decoded_bytes() const { return decoded_->bytes(); }

time_series::~time_series() = default;

expected<reading_run> time_series::read(const sensor_cut& cut, const time_range& range, std::size_t limit, bool descending,
                                        asker who) const {
  reading_run out;
  if (limit == 0) return out;
  window_reader reader(cut, db_.raw(), who);
  const auto take = [&](const reading_run& rows) {
    descending ? append_backwards(out, rows, limit) : append(out, rows, limit);
    return out.size() < limit;
  };
  auto done = descending ? reader.descending(range, limit, take) : reader.ascending(range, take);
  if (!done) return tl::unexpected(done.error());
  return out;
}

expected<reading_run> time_series::read_on(const sensor_cut& cut, const time_range& range, std::size_t about,
                                           bool descending) const {
  reading_run out;
  window_reader reader(cut, db_.raw(), asker::background);
  const auto take = [&](const reading_run& rows) {
    descending ? append_backwards(out, rows, 2 * about) : append(out, rows, 2 * about);
    return out.size() < about;
  };
  auto done = descending ? reader.descending(range, about, take) : reader.ascending(range, take);
  if (!done) return tl::unexpected(done.error());
  return out;
}

expected<reading_run> time_series::newest(const sensor_cut& cut, const time_range& range, std::size_t limit, asker who) const {
  reading_run out;
  if (limit == 0) return out;
  window_reader reader(cut, db_.raw(), who);
  auto done = reader.descending(range, limit, [&](const reading_run& rows) {
    for (std::size_t row = rows.size(); row > 0 && out.size() < limit; --row)
      if ((rows.flags[row - 1] & (flag_future | cut.without)) == 0)
        out.push_back(rows.event_time_us[row - 1], rows.value[row - 1], rows.flags[row - 1]);
    return out.size() < limit;
  });
  if (!done) return tl::unexpected(done.error());
  std::reverse(out.event_time_us.begin(), out.event_time_us.end());
  std::reverse(out.value.begin(), out.value.end());
  std::reverse(out.flags.begin(), out.flags.end());
  return out;
}

expected<void> time_series::scan(const sensor_cut& cut, const time_range& range,
                                 const std::function<bool(const reading_run&)>& visit) const {
  window_reader reader(cut, db_.raw(), asker::background);
  return reader.ascending(range, visit);
}

}  // namespace factory
