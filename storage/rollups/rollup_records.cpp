#include "storage/rollups/rollup_records.hpp"

#include "storage/rollups/rollup_notes.hpp"

#include "storage/base/record.hpp"

#include <limits>

namespace factory {

namespace {

constexpr std::uint8_t bucket_version = 2;
constexpr std::uint8_t sums_without_unit = 1;  // its sums are those of the plain values, and may lie beyond the range of double

std::string sensor_key(char space, sensor_id sensor) {
  std::string key(1, space);
  put_key32(key, sensor);
  return key;
}

bool strip(std::string_view& key, const std::string& prefix) {
  if (!key.starts_with(prefix)) return false;
  key.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string bucket_key(sensor_id sensor, rollup_level level, std::int64_t start_us) {
  std::string key = sensor_key('b', sensor);
  put_byte(key, static_cast<std::uint8_t>(level));
  put_key_time(key, start_us);
  return key;
}

bool read_bucket_key(std::string_view key, sensor_id sensor, rollup_level level, std::int64_t& start_us) {
  std::uint8_t of_level = 0;
  return strip(key, sensor_key('b', sensor)) && get_byte(key, of_level) && of_level == static_cast<std::uint8_t>(level) &&
         get_key_time(key, start_us) && key.empty();
}

std::string encode_bucket(const bucket& b) {
  const summary& s = b.values;
  std::string out = begin_record(bucket_version);
  put_varint(out, s.count);
  put_zigzag(out, s.first_us - b.start_us);
  put_zigzag(out, s.last_us - b.start_us);
  for (const double number : {s.min, s.max, s.sum, s.sum_error, s.m2, s.first, s.last}) put_double(out, number);
  return out;
}

bool decode_bucket(std::string_view in, std::int64_t start_us, bucket& b) {
  summary& s = b.values;
  std::uint8_t version = 0;
  if (!begin_record(in, bucket_version, version) || !get_varint(in, s.count) || !get_zigzag(in, s.first_us) ||
      !get_zigzag(in, s.last_us)) {
    return false;
  }
  b.start_us = start_us;
  s.first_us += start_us;
  s.last_us += start_us;
  for (double* number : {&s.min, &s.max, &s.sum, &s.sum_error, &s.m2, &s.first, &s.last}) {
    if (!get_double(in, *number)) return false;
  }
  if (version == sums_without_unit && s.unit() != 1) s.sum = std::numeric_limits<double>::quiet_NaN();
  return in.empty();
}

std::string note_key(sensor_id sensor, std::uint32_t block_number) {
  std::string key = sensor_key('n', sensor);
  put_key32(key, block_number);
  return key;
}

bool read_note_key(std::string_view key, sensor_id sensor, std::uint32_t& block_number) {
  return strip(key, sensor_key('n', sensor)) && get_key32(key, block_number) && key.empty();
}

std::string encode_note(const covered_time& time) {
  std::string out;
  put_zigzag(out, time.first_us);
  put_zigzag(out, time.last_us);
  return out;
}

bool decode_note(std::string_view in, covered_time& time) {
  return get_zigzag(in, time.first_us) && get_zigzag(in, time.last_us) && in.empty();
}

std::string head_key(sensor_id sensor) { return sensor_key('h', sensor); }

std::string encode_rolled_up(const rolled_up_to& state) {
  std::string out;
  put_zigzag(out, state.head_us);
  put_varint(out, state.first_note);
  return out;
}

/// A record from before notes were counted ends after the time.
bool decode_rolled_up(std::string_view in, rolled_up_to& state) {
  return get_zigzag(in, state.head_us) && (in.empty() || get_varint_as(in, state.first_note)) && in.empty();
}

std::string kept_key(sensor_id sensor) { return sensor_key('d', sensor); }

std::string encode_kept(std::int64_t from_us) {
  std::string out;
  put_zigzag(out, from_us);
  return out;
}

bool decode_kept(std::string_view in, std::int64_t& from_us) { return get_zigzag(in, from_us) && in.empty(); }

tl::unexpected<error> damaged_rollup() {
  return fail(errc::corrupt,
              "A stored roll-up cannot be read: the database is damaged or of a newer version, restore the newest snapshot.");
}

void note_for_rollup(rocksdb::WriteBatch& batch, const database::impl& rocks, const block& written) {
  batch.Put(rocks.at(column::rollups), note_key(written.sensor, written.number),
            encode_note({written.values.first_us, written.values.last_us}));
}

}  // namespace factory
