#include "storage/journal_record.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "pipelines/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t record_version = 1;
constexpr std::size_t entry_head_bytes = 4 + 8;  // size, checksum
enum class kind : std::uint8_t { readings = 1, config = 2 };

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

tl::unexpected<error> damaged(std::uint64_t sequence, const char* what) {
  return fail(errc::corrupt,
              "the journal is damaged at entry " + std::to_string(sequence) + ": " + what + "; restore the newest snapshot");
}

/// put_varint into memory that is there: the hot part of encoding.
char* put_varint_at(char* out, std::uint64_t v) {
  for (; v >= 0x80U; v >>= 7U) *out++ = static_cast<char>(v | 0x80U);
  *out++ = static_cast<char>(v);
  return out;
}

/// Times as zigzag differences: within a slice from the row before, its first from the first of the slice before.
void put_times(std::string& out, const reading_batch& batch) {
  constexpr std::size_t longest_varint = 10;
  const std::size_t begin = out.size();
  out.resize(begin + batch.size() * longest_varint);
  char* at = out.data() + begin;
  std::int64_t first_before = 0;
  for (const slice& s : batch.slices) {
    const auto times = batch.times(s);
    std::int64_t before = first_before;
    for (const std::int64_t time : times) {
      at = put_varint_at(
          at, to_zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(before))));
      before = time;
    }
    first_before = times.front();
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
}

bool get_times(std::string_view& in, reading_batch& batch) {
  std::int64_t first_before = 0;
  for (const slice& s : batch.slices) {
    std::int64_t before = first_before;
    for (std::uint32_t row = s.begin; row < s.end; ++row) {
      std::int64_t difference = 0;
      if (!get_zigzag(in, difference)) return false;
      before = static_cast<std::int64_t>(static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(difference));
      batch.event_time_us[row] = before;
    }
    first_before = batch.event_time_us[s.begin];
  }
  return true;
}

void put_readings(std::string& out, const reading_batch& batch) {
  out.reserve(out.size() + batch.size() * (10 + 8) + batch.slices.size() * 4 + 16);
  put_varint(out, batch.slices.size());
  put_varint(out, batch.size());
  sensor_id before = 0;
  for (const slice& s : batch.slices) {
    put_varint(out, s.sensor - before);
    put_varint(out, s.size());
    before = s.sensor;
  }
  put_times(out, batch);
  if constexpr (std::endian::native == std::endian::little) {
    out.append(reinterpret_cast<const char*>(batch.value.data()), batch.size() * sizeof(double));
  } else {
    for (const double v : batch.value) put_double(out, v);
  }
}

bool get_slices(std::string_view& in, std::uint64_t count, std::uint64_t rows, reading_batch& batch) {
  sensor_id sensor = 0;
  std::uint32_t row = 0;
  batch.slices.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    sensor_id step = 0;
    std::uint32_t size = 0;
    if (!get_varint_as(in, step) || !get_varint_as(in, size) || size == 0 || size > rows - row) return false;
    sensor += step;
    batch.slices.push_back({sensor, row, row + size});
    row += size;
  }
  return row == rows;
}

std::shared_ptr<const reading_batch> get_readings(std::string_view& in) {
  auto batch = std::make_shared<reading_batch>();
  std::uint64_t slices = 0, rows = 0;
  // A row takes at least one byte of time and eight of value, a slice at least two: no damage can ask for more memory.
  if (!get_varint(in, slices) || !get_varint(in, rows) || slices > in.size() / 2 || rows > in.size() / 9) return nullptr;
  if (!get_slices(in, slices, rows, *batch)) return nullptr;
  batch->event_time_us.resize(rows);
  batch->value.resize(rows);
  if (!get_times(in, *batch)) return nullptr;
  for (double& v : batch->value)
    if (!get_double(in, v)) return nullptr;
  return batch;
}

void put_limit(std::string& out, const std::optional<double>& limit) {
  put_byte(out, limit ? 1 : 0);
  if (limit) put_double(out, *limit);
}
bool get_limit(std::string_view& in, std::optional<double>& limit) {
  std::uint8_t there = 0;
  if (!get_byte(in, there)) return false;
  if (there == 0) return true;
  return get_double(in, limit.emplace());
}

void put_config(std::string& out, const config_change& change) {
  put_varint(out, change.configs.size());
  for (const sensor_config& config : change.configs) {
    put_varint(out, config.sensor);
    put_limit(out, config.thresholds.min);
    put_limit(out, config.thresholds.max);
    put_varint(out, config.rules.size());
    for (const alert_rule& rule : config.rules) put_rule(out, rule);
  }
  put_varint(out, change.removed.size());
  for (const sensor_id sensor : change.removed) put_varint(out, sensor);
}

std::shared_ptr<const config_change> get_config(std::string_view& in) {
  auto change = std::make_shared<config_change>();
  std::uint64_t configs = 0, removed = 0;
  if (!get_varint(in, configs) || configs > in.size()) return nullptr;
  for (std::uint64_t i = 0; i < configs; ++i) {
    sensor_config& config = change->configs.emplace_back();
    std::uint64_t rules = 0;
    if (!get_varint_as(in, config.sensor) || !get_limit(in, config.thresholds.min) || !get_limit(in, config.thresholds.max) ||
        !get_varint(in, rules) || rules > in.size())
      return nullptr;
    config.rules.resize(rules);
    for (alert_rule& rule : config.rules)
      if (!get_rule(in, rule)) return nullptr;
  }
  if (!get_varint(in, removed) || removed > in.size()) return nullptr;
  change->removed.resize(removed);
  for (sensor_id& sensor : change->removed)
    if (!get_varint_as(in, sensor)) return nullptr;
  return change;
}

bool decode(std::string_view in, journal_entry& entry) {
  std::uint8_t what = 0;
  if (!get_byte(in, what) || !get_zigzag(in, entry.received_at_us)) return false;
  if (what == static_cast<std::uint8_t>(kind::readings)) entry.readings = get_readings(in);
  if (what == static_cast<std::uint8_t>(kind::config)) entry.config = get_config(in);
  return in.empty() && (entry.readings || entry.config);
}

struct open_head {
  std::string_view entries;  // size and checksum of each
  std::string_view bodies;
  std::uint64_t count = 0;
};

expected<open_head> read_head(std::uint64_t first_sequence, std::string_view record) {
  std::string_view in = record;
  std::uint8_t version = 0;
  std::uint32_t count = 0;
  std::uint64_t stored = 0;
  if (!get_byte(in, version) || !get_fixed32(in, count) || in.size() / entry_head_bytes < count)
    return damaged(first_sequence, "its record is cut short");
  const std::string_view entries = in.substr(0, count * entry_head_bytes);
  in.remove_prefix(entries.size());
  const std::string_view covered = record.substr(0, record.size() - in.size());
  if (!get_fixed64(in, stored)) return damaged(first_sequence, "its record is cut short");
  if (stored != checksum_of(covered, first_sequence)) return damaged(first_sequence, "the checksum of its record does not match");
  if (version != record_version || count == 0)
    return damaged(first_sequence, "its record has a version that this program does not know");
  return open_head{entries, in, count};
}

}  // namespace

encoded_entry encode(const journal_entry& entry) {
  encoded_entry out;
  put_byte(out.bytes, static_cast<std::uint8_t>(entry.readings ? kind::readings : kind::config));
  put_zigzag(out.bytes, entry.received_at_us);
  if (entry.readings)
    put_readings(out.bytes, *entry.readings);
  else
    put_config(out.bytes, *entry.config);
  out.checksum = checksum_of(out.bytes);
  return out;
}

void record_head::add(const encoded_entry& entry) {
  put_fixed32(entries_, static_cast<std::uint32_t>(entry.bytes.size()));
  put_fixed64(entries_, entry.checksum);
}

void record_head::finish(std::uint64_t first_sequence, std::string& out) const {
  const std::size_t begin = out.size();
  put_byte(out, record_version);
  put_fixed32(out, static_cast<std::uint32_t>(entries_.size() / entry_head_bytes));
  out += entries_;
  put_fixed64(out, checksum_of(std::string_view(out).substr(begin), first_sequence));
}

expected<std::uint64_t> count_entries(std::uint64_t first_sequence, std::string_view record) {
  return read_head(first_sequence, record).map([](const open_head& head) { return head.count; });
}

expected<void> visit_entries(std::uint64_t first_sequence, std::string_view record, std::uint64_t from, std::uint64_t to,
                             const journal::observer& visit) {
  auto head = read_head(first_sequence, record);
  if (!head) return tl::unexpected(head.error());
  for (std::uint64_t sequence = first_sequence; sequence < first_sequence + head->count && sequence <= to; ++sequence) {
    std::uint32_t size = 0;
    std::uint64_t checksum = 0;
    if (!get_fixed32(head->entries, size) || !get_fixed64(head->entries, checksum) || size > head->bodies.size())
      return damaged(sequence, "it is cut short");
    const std::string_view body = head->bodies.substr(0, size);
    head->bodies.remove_prefix(size);
    if (sequence < from) continue;
    journal_entry entry;
    entry.sequence = sequence;
    if (checksum_of(body) != checksum) return damaged(sequence, "its checksum does not match");
    if (!decode(body, entry)) return damaged(sequence, "it cannot be decoded");
    visit(entry);
  }
  return {};
}

}  // namespace factory
