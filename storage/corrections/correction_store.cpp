#include "storage/corrections/correction_store.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace factory {

namespace {

constexpr std::uint8_t correction_version = 1;
constexpr char correction_prefix = 'k', consequences_prefix = 'q';

bool is_in_force(const correction& each) { return each.in_force(); }

std::string consequences_key(std::uint64_t step) {
  std::string key(1, consequences_prefix);
  put_key64(key, step);
  return key;
}

tl::unexpected<error> is_damaged() {
  return fail(errc::corrupt,
              "The record of a correction cannot be read: the database is damaged or of a newer version, restore the newest "
              "snapshot.");
}

std::string correction_key(correction_id id) {
  std::string key(1, correction_prefix);
  put_key32(key, id);
  return key;
}

void put_sensors(std::string& out, const std::vector<sensor_id>& ascending) {
  put_varint(out, ascending.size());
  sensor_id before = 0;
  for (const auto each : ascending) put_varint(out, each - std::exchange(before, each));
}
bool get_sensors(std::string_view& in, std::vector<sensor_id>& ascending) {
  std::uint64_t count = 0;
  if (!get_varint(in, count) || count > in.size()) return false;
  ascending.resize(count);
  sensor_id before = 0;
  for (auto& each : ascending) {
    sensor_id step = 0;
    if (!get_varint_as(in, step) || step == 0) return false;
    before = each = before + step;
  }
  return true;
}

bool get_change(std::string_view& in, reading_change& change) {
  std::uint8_t action = 0;
  if (!get_byte(in, action) || action < static_cast<std::uint8_t>(correction_action::exclude) ||
      action > static_cast<std::uint8_t>(correction_action::rest))
    return false;
  change.action = static_cast<correction_action>(action);
  return get_double(in, change.number) && std::isfinite(change.number) && get_byte(in, change.flags);
}

}  // namespace

std::string encode(const correction& entry) {
  std::string out = begin_record(correction_version);
  put_varint(out, entry.id);
  put_varint(out, entry.step);
  put_zigzag(out, entry.made_at_us);
  put_zigzag(out, entry.begin_us);
  put_zigzag(out, entry.end_us);
  put_byte(out, static_cast<std::uint8_t>(entry.change.action));
  put_double(out, entry.change.number);
  put_byte(out, entry.change.flags);
  put_text(out, entry.reason);
  put_text(out, entry.by);
  put_sensors(out, entry.sensors);
  put_byte(out, entry.which ? 1 : 0);
  if (entry.which) put_selector(out, *entry.which);
  put_byte(out, entry.reverted ? 1 : 0);
  if (!entry.reverted) return out;
  put_varint(out, entry.reverted->step);
  put_zigzag(out, entry.reverted->at_us);
  put_text(out, entry.reverted->by);
  put_text(out, entry.reverted->reason);
  return out;
}

bool decode(std::string_view in, correction& entry) {
  std::uint8_t is_selected = 0, is_reverted = 0;
  if (!begin_record(in, correction_version) || !get_varint_as(in, entry.id) || !get_varint(in, entry.step) ||
      !get_zigzag(in, entry.made_at_us) || !get_zigzag(in, entry.begin_us) || !get_zigzag(in, entry.end_us) ||
      !get_change(in, entry.change) || !get_text(in, entry.reason) || !get_text(in, entry.by) ||
      !get_sensors(in, entry.sensors) || !get_byte(in, is_selected) || is_selected > 1)
    return false;
  entry.which.reset();
  if (is_selected == 1 && !get_selector(in, entry.which.emplace())) return false;
  if (!get_byte(in, is_reverted) || is_reverted > 1) return false;
  entry.reverted.reset();
  if (is_reverted == 0) return in.empty();
  auto& back = entry.reverted.emplace();
  return get_varint(in, back.step) && get_zigzag(in, back.at_us) && get_text(in, back.by) && get_text(in, back.reason) &&
         in.empty();
}

expected<void> correction_store::load() {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::catalog)));
  const std::lock_guard lock(mutex_);
  std::set<sensor_id> corrected;
  for (it->Seek(std::string(1, correction_prefix)); it->Valid() && it->key()[0] == correction_prefix; it->Next()) {
    correction entry;
    if (!decode(to_view(it->value()), entry)) return is_damaged();
    corrected.insert(entry.sensors.begin(), entry.sensors.end());
    place(std::move(entry));
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the corrections"));
  for (it->Seek(std::string(1, consequences_prefix)); it->Valid() && it->key()[0] == consequences_prefix; it->Next()) {
    auto key = to_view(it->key()).substr(1), in = to_view(it->value());
    std::uint64_t number = 0;
    std::uint8_t version = 0;
    if (!get_key64(key, number) || !begin_record(in, consequences_version, version) ||
        !get_consequences(in, consequences_[number], version))
      return is_damaged();
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the corrections"));
  if (auto loaded = revisions_.load(corrected); !loaded) return loaded;
  for (const auto sensor : corrected)
    if (auto overlay = made_for(sensor, is_in_force)) overlays_[sensor] = std::move(overlay);
  any_in_force_ = !overlays_.empty();
  return {};
}

void correction_store::place(correction entry) {
  steps_ = std::max({steps_, entry.step, entry.reverted ? entry.reverted->step : 0});
  correction_of_[entry.step] = entry.id;
  if (entry.reverted) correction_of_[entry.reverted->step] = entry.id;
  if (!entries_.contains(entry.id))
    for (const auto sensor : entry.sensors) of_sensor_[sensor].push_back(entry.id);
  entries_[entry.id] = std::move(entry);
}

shared_overlay correction_store::made_for(sensor_id sensor, const wanted& each, const correction* more) const {
  return made_for(sensor, each, more, revisions_.points_of(sensor));
}

shared_overlay correction_store::overlay_with(sensor_id sensor, std::uint64_t at,
                                              std::shared_ptr<const revised_points> points) const {
  const std::lock_guard lock(mutex_);
  const auto in_force = [at](const correction& each) { return each.in_force_at(at); };
  return made_for(sensor, in_force, nullptr, std::move(points));
}

shared_overlay correction_store::made_for(sensor_id sensor, const wanted& each, const correction* more,
                                          std::shared_ptr<const revised_points> points) const {
  std::vector<changed_range> in_order;
  if (const auto known = of_sensor_.find(sensor); known != of_sensor_.end())
    for (const auto id : known->second)
      if (const auto& it = entries_.at(id); each(it)) in_order.push_back({it.begin_us, it.end_us, it.change});
  if (more != nullptr) in_order.push_back({more->begin_us, more->end_us, more->change});
  if (in_order.empty() && !points) return nullptr;
  return std::make_shared<const correction_overlay>(std::move(in_order), std::move(points));
}

void correction_store::renew_overlay(sensor_id sensor) {
  if (auto overlay = made_for(sensor, is_in_force))
    overlays_[sensor] = std::move(overlay);
  else
    overlays_.erase(sensor);
  any_in_force_.store(!overlays_.empty(), std::memory_order_release);
}

void correction_store::put_revision(sensor_id sensor, derived_revision now) {
  const std::lock_guard lock(mutex_);
  revisions_.put(sensor, std::move(now));
  renew_overlay(sensor);
}

shared_overlay correction_store::overlay_at(sensor_id sensor, std::uint64_t at, const correction* more) const {
  const std::lock_guard lock(mutex_);
  return made_for(
      sensor, [at](const correction& each) { return each.in_force_at(at); }, more);
}

shared_overlay correction_store::overlay_without(sensor_id sensor, correction_id id) const {
  const std::lock_guard lock(mutex_);
  return made_for(sensor, [id](const correction& each) { return each.in_force() && each.id != id; });
}

std::optional<correction_store::step> correction_store::first_open_step() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, id] : correction_of_)
    if (!consequences_.contains(number)) return step{number, entries_.at(id)};
  return std::nullopt;
}

std::size_t correction_store::open_steps() const {
  const std::lock_guard lock(mutex_);
  return correction_of_.size() - consequences_.size();
}

std::optional<consequences> correction_store::consequences_of(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto known = consequences_.find(number);
  return known == consequences_.end() ? std::nullopt : std::optional(known->second);
}

/// Without fsync: what a power cut takes is found again.
expected<void> correction_store::put_consequences(std::uint64_t number, const consequences& all) {
  database::impl& rocks = db_.raw();
  std::string record = begin_record(consequences_version);
  factory::put_consequences(record, all);
  rocksdb::WriteBatch batch;
  batch.Put(rocks.at(column::catalog), consequences_key(number), record);
  if (auto written = rocks.write(batch, false, "storing the consequences of a correction"); !written) return written;
  const std::lock_guard lock(mutex_);
  consequences_[number] = all;
  return {};
}

expected<correction> correction_store::find(correction_id id) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(id);
  if (at == entries_.end()) return fail(errc::not_found, "Correction not found");
  return at->second;
}

std::vector<correction> correction_store::newest(correction_id before, std::size_t limit,
                                                 const std::function<bool(const correction&)>& like) const {
  const std::lock_guard lock(mutex_);
  std::vector<correction> found;
  auto at = before == 0 ? entries_.end() : entries_.lower_bound(before);
  while (at != entries_.begin() && found.size() < limit)
    if (--at; like(at->second)) found.push_back(at->second);
  return found;
}

std::size_t correction_store::count_in_force(sensor_id sensor) const {
  const std::lock_guard lock(mutex_);
  const auto known = of_sensor_.find(sensor);
  if (known == of_sensor_.end()) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(known->second, [&](correction_id id) { return entries_.at(id).in_force(); }));
}

shared_overlay correction_store::overlay_of(sensor_id sensor) const {
  if (!any_in_force_.load(std::memory_order_acquire)) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto known = overlays_.find(sensor);
  return known == overlays_.end() ? nullptr : known->second;
}

correction_id correction_store::next_id() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty() ? 1 : entries_.rbegin()->first + 1;
}

std::uint64_t correction_store::next_step() const {
  const std::lock_guard lock(mutex_);
  return steps_ + 1;
}

std::vector<catalog_write> correction_store::writes_of(const correction& entry) {
  return {{correction_key(entry.id), encode(entry)}};
}

void correction_store::put(correction entry) {
  const std::lock_guard lock(mutex_);
  const auto sensors = entry.sensors;
  place(std::move(entry));
  for (const auto sensor : sensors) renew_overlay(sensor);
}

}  // namespace factory
