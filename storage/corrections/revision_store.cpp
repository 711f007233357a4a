#include "storage/corrections/revision_store.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

#include <algorithm>
#include <utility>

namespace factory {

namespace {

constexpr std::uint8_t points_version = 1, before_version = 1;
constexpr char points_prefix = 'o', before_prefix = 'u';
constexpr unsigned stretch_bits = 36;  ///< of microseconds: 19 hours

std::string key_of(char prefix, sensor_id sensor) {
  std::string key(1, prefix);
  put_key32(key, sensor);
  return key;
}
std::string key_of(sensor_id sensor, std::int64_t stretch) {
  auto key = key_of(points_prefix, sensor);
  put_key_time(key, stretch);
  return key;
}

tl::unexpected<error> cannot_be_read() {
  return fail(errc::corrupt,
              "The record of revised readings cannot be read: the database is damaged or of a newer version, restore the newest "
              "snapshot.");
}

using stretches = std::map<std::int64_t, revised_points>;

stretches by_stretch(const std::shared_ptr<const revised_points>& points) {
  stretches out;
  for (std::size_t i = 0; points && i < points->size(); ++i)
    out[points->times_us[i] >> stretch_bits].push_back(points->times_us[i], points->values[i], points->gone[i] != 0);
  return out;
}

}  // namespace

expected<void> revision_store::load(std::set<sensor_id>& known) {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::catalog)));
  const std::lock_guard lock(mutex_);
  std::map<sensor_id, revised_points> points;
  for (it->Seek(std::string(1, points_prefix)); it->Valid() && it->key()[0] == points_prefix; it->Next()) {
    auto key = to_view(it->key()).substr(1), in = to_view(it->value());
    sensor_id sensor = 0;
    revised_points part;
    if (!get_key32(key, sensor) || !begin_record(in, points_version) || !get_points(in, part) || !in.empty())
      return cannot_be_read();
    auto& of_sensor = points[sensor];
    for (std::size_t i = 0; i < part.size(); ++i) of_sensor.push_back(part.times_us[i], part.values[i], part.gone[i] != 0);
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading revised readings"));
  for (auto& [sensor, all] : points) {
    entries_[sensor].points = std::make_shared<const revised_points>(std::move(all));
    known.insert(sensor);
  }
  for (it->Seek(std::string(1, before_prefix)); it->Valid() && it->key()[0] == before_prefix; it->Next()) {
    auto key = to_view(it->key()).substr(1), in = to_view(it->value());
    sensor_id sensor = 0;
    std::uint64_t step = 0;
    revised_points before;
    if (!get_key32(key, sensor) || !begin_record(in, before_version) || !get_varint(in, step) || !get_points(in, before) ||
        !in.empty())
      return cannot_be_read();
    entries_[sensor].before = std::make_shared<const revised_points>(std::move(before));
    entries_[sensor].step = step;
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading revised readings"));
  return {};
}

derived_revision revision_store::of(sensor_id sensor) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(sensor);
  return at == entries_.end() ? derived_revision{} : at->second;
}

std::vector<sensor_id> revision_store::under_way() const {
  const std::lock_guard lock(mutex_);
  std::vector<sensor_id> out;
  for (const auto& [sensor, each] : entries_)
    if (each.before) out.push_back(sensor);
  return out;
}

std::size_t revision_store::point_count() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [sensor, each] : entries_) sum += each.points ? each.points->size() : 0;
  return sum;
}

std::vector<catalog_write> revision_store::writes_of(sensor_id sensor, const derived_revision& now) const {
  std::vector<catalog_write> writes;
  const auto known = of(sensor);
  if (known.points != now.points) {
    const auto before = by_stretch(known.points), after = by_stretch(now.points);
    for (const auto& [stretch, points] : before)
      if (!after.contains(stretch)) writes.emplace_back(key_of(sensor, stretch), std::nullopt);
    for (const auto& [stretch, points] : after) {
      if (const auto same = before.find(stretch); same != before.end() && same->second == points) continue;
      auto record = begin_record(points_version);
      put_points(record, points);
      writes.emplace_back(key_of(sensor, stretch), std::move(record));
    }
  }
  if (now.before) {
    auto record = begin_record(before_version);
    put_varint(record, now.step);
    put_points(record, *now.before);
    writes.emplace_back(key_of(before_prefix, sensor), std::move(record));
  } else if (known.before) {
    writes.emplace_back(key_of(before_prefix, sensor), std::nullopt);
  }
  return writes;
}

void revision_store::put(sensor_id sensor, derived_revision now) {
  const std::lock_guard lock(mutex_);
  if (now.points && now.points->empty()) now.points = nullptr;
  if (now.points || now.before)
    entries_[sensor] = std::move(now);
  else
    entries_.erase(sensor);
}

}  // namespace factory
