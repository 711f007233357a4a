#include "storage/spc/spc_limit_store.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"
#include "storage/spc/limits.hpp"

#include <cmath>
#include <memory>
#include <utility>

namespace factory {

namespace {

constexpr std::uint8_t frozen_version = 1;
constexpr char frozen_prefix = 'x';
constexpr std::size_t key_bytes = 1 + 4 + 4;

std::string key_of(sensor_id sensor, std::uint32_t version) {
  std::string key(1, frozen_prefix);
  put_key32(key, sensor);
  put_key32(key, version);
  return key;
}

bool read_key(std::string_view key, sensor_id& sensor) {
  if (key.size() != key_bytes || key.front() != frozen_prefix) return false;
  sensor = 0;
  for (const char byte : key.substr(1, 4)) sensor = sensor << 8U | static_cast<unsigned char>(byte);
  return true;
}

/// The rest of the limits follows from these.
std::string encode(const frozen_limits& entry) {
  std::string out = begin_record(frozen_version);
  put_varint(out, entry.version);
  put_varint(out, entry.limits.subgroup);
  put_double(out, entry.limits.center);
  put_double(out, entry.limits.range_center);
  put_varint(out, entry.points);
  for (const auto us : {entry.begin_us, entry.end_us, entry.frozen_at_us}) put_zigzag(out, us);
  put_text(out, entry.by);
  put_text(out, entry.comment);
  return out;
}

bool decode(std::string_view in, frozen_limits& entry) {
  std::uint32_t subgroup = 0;
  double center = 0, mean_range = 0;
  if (!begin_record(in, frozen_version) || !get_varint_as(in, entry.version) || !get_varint_as(in, subgroup) || subgroup == 0 ||
      subgroup > largest_subgroup || !get_double(in, center) || !get_double(in, mean_range) || !get_varint(in, entry.points))
    return false;
  for (auto* us : {&entry.begin_us, &entry.end_us, &entry.frozen_at_us})
    if (!get_zigzag(in, *us)) return false;
  entry.limits = control_limits_from(center, mean_range, subgroup);
  return get_text(in, entry.by) && get_text(in, entry.comment) && in.empty() && std::isfinite(center) &&
         std::isfinite(mean_range);
}

expected<void> load_from(const database::impl& rocks, column from, std::map<sensor_id, std::vector<frozen_limits>>& known) {
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(from)));
  sensor_id sensor = 0;
  for (it->Seek(std::string(1, frozen_prefix)); it->Valid() && read_key(to_view(it->key()), sensor); it->Next()) {
    if (!decode(to_view(it->value()), known[sensor].emplace_back()))
      return fail(errc::corrupt,
                  "Frozen control limits cannot be read: the record is damaged or of a version that this program does not know; "
                  "use the newer one, or restore the newest snapshot");
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading control limits"));
  return {};
}

}  // namespace

/// Those of older programs first: their versions are lower.
expected<void> spc_limit_store::load() {
  const std::lock_guard lock(mutex_);
  known_.clear();
  for (const auto from : {column::state, column::catalog})
    if (auto read = load_from(db_.raw(), from, known_); !read) return read;
  return {};
}

expected<frozen_limits> spc_limit_store::next(sensor_id sensor, frozen_limits wanted) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(sensor);
  const bool has_some = found != known_.end() && !found->second.empty();
  if (has_some && found->second.size() >= limits::spc_versions)
    return fail(errc::too_large,
                "the sensor has as many versions of control limits as may be (" + std::to_string(limits::spc_versions) + ")");
  wanted.version = has_some ? found->second.back().version + 1 : 1;
  return wanted;
}

catalog_write spc_limit_store::write_of(sensor_id sensor, const frozen_limits& frozen) {
  return {key_of(sensor, frozen.version), encode(frozen)};
}

void spc_limit_store::put(sensor_id sensor, frozen_limits frozen) {
  const std::lock_guard lock(mutex_);
  known_[sensor].push_back(std::move(frozen));
}

std::map<sensor_id, frozen_limits> spc_limit_store::all_in_force() const {
  std::map<sensor_id, frozen_limits> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [sensor, history] : known_)
    if (!history.empty()) out.emplace(sensor, history.back());
  return out;
}

std::vector<frozen_limits> spc_limit_store::history(sensor_id sensor) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(sensor);
  return found == known_.end() ? std::vector<frozen_limits>() : found->second;
}

std::optional<frozen_limits> spc_limit_store::in_force(sensor_id sensor) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(sensor);
  return found == known_.end() || found->second.empty() ? std::nullopt : std::optional(found->second.back());
}

expected<void> spc_limit_store::remove_sensor(sensor_id sensor) {
  database::impl& rocks = db_.raw();
  const std::lock_guard lock(mutex_);
  rocksdb::WriteBatch batch;
  for (const auto where : {column::state, column::catalog})
    batch.DeleteRange(rocks.at(where), key_of(sensor, 0), key_of(sensor, UINT32_MAX));
  if (auto written = rocks.write(batch, false, "deleting control limits"); !written) return written;
  known_.erase(sensor);
  return {};
}

}  // namespace factory
