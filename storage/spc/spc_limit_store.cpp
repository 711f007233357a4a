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

}  // namespace

expected<void> spc_limit_store::load() {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  const std::lock_guard lock(mutex_);
  sensor_id sensor = 0;
  for (it->Seek(std::string(1, frozen_prefix)); it->Valid() && read_key(to_view(it->key()), sensor); it->Next()) {
    if (!decode(to_view(it->value()), known_[sensor].emplace_back()))
      return fail(errc::corrupt,
                  "Frozen control limits cannot be read: the record is damaged or of a version that this program does not know; "
                  "use the newer one, or restore the newest snapshot");
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading control limits"));
  return {};
}

expected<frozen_limits> spc_limit_store::freeze(sensor_id sensor, frozen_limits wanted) {
  database::impl& rocks = db_.raw();
  const std::lock_guard lock(mutex_);
  auto& history = known_[sensor];
  if (history.size() >= limits::spc_versions)
    return fail(errc::too_large,
                "the sensor has as many versions of control limits as may be (" + std::to_string(limits::spc_versions) + ")");
  wanted.version = history.empty() ? 1 : history.back().version + 1;
  rocksdb::WriteBatch batch;
  batch.Put(rocks.at(column::state), key_of(sensor, wanted.version), encode(wanted));
  if (auto written = rocks.write(batch, true, "storing control limits"); !written) return tl::unexpected(written.error());
  history.push_back(wanted);
  return wanted;
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
  batch.DeleteRange(rocks.at(column::state), key_of(sensor, 0), key_of(sensor, UINT32_MAX));
  if (auto written = rocks.write(batch, false, "deleting control limits"); !written) return written;
  known_.erase(sensor);
  return {};
}

}  // namespace factory
