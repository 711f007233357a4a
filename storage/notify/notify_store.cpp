#include "storage/notify/notify_store.hpp"

#include "storage/base/rocks.hpp"
#include "storage/notify/notify_records.hpp"

#include <algorithm>
#include <mutex>

namespace factory {

namespace {

tl::unexpected<error> damaged_notification() {
  return fail(errc::corrupt,
              "A record of the notifications cannot be read: the database is damaged or of a newer version, restore the newest "
              "snapshot.");
}

}  // namespace

struct notify_store::impl {
  explicit impl(database& db) : rocks(db.raw()) {}
  database::impl& rocks;
  mutable std::mutex guard;  // of the position: reading and writing it again are one step

  rocksdb::ColumnFamilyHandle* state() const { return rocks.at(column::state); }

  /// nullopt where there is none.
  expected<std::optional<std::string>> get(const std::string& key) const {
    std::string value;
    const auto status = rocks.db->Get(rocksdb::ReadOptions(), state(), key, &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return tl::unexpected(to_error(status, "reading the notifications"));
    return value;
  }

  template <class Record>
  expected<void> visit(notify_space space, const std::function<void(Record)>& each) const {
    const std::string prefix = notify_prefix(space);
    const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), state()));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      Record found;
      if (!decode(to_view(it->value()), found)) return damaged_notification();
      each(std::move(found));
    }
    if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the notifications"));
    return {};
  }

  expected<std::optional<notify_position>> position() const {
    const auto stored = get(notify_prefix(notify_space::position));
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return std::nullopt;
    notify_position read;
    if (!decode(**stored, read)) return damaged_notification();
    return read;
  }

  expected<std::optional<delivery>> find(notify_space space, channel_id channel, std::uint64_t id) const {
    const auto stored = get(delivery_key(space, channel, id));
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return std::nullopt;
    delivery read;
    if (!decode(**stored, read)) return damaged_notification();
    return read;
  }
};

notify_store::notify_store(database& db) : impl_(std::make_unique<impl>(db)) {}
notify_store::~notify_store() = default;

bool notify_store::change::empty() const {
  return open.empty() && dead.empty() && sent.empty() && forgotten.empty() && told.empty() && over.empty() && digests.empty() &&
         digests_told.empty() && groups.empty() && groups_over.empty() && chatters.empty() && calm.empty() && !cursor;
}

expected<void> notify_store::write(const change& what) {
  if (what.empty()) return {};
  const std::lock_guard lock(impl_->guard);
  const auto before = impl_->position();
  if (!before) return tl::unexpected(before.error());
  rocksdb::WriteBatch batch;
  auto* const state = impl_->state();
  notify_position after = before->value_or(notify_position{});
  if (what.cursor) after.cursor = *what.cursor;
  for (const auto& each : what.open) {
    batch.Put(state, delivery_key(notify_space::open, each.channel, each.id), encode(each));
    after.next_id = std::max(after.next_id, each.id + 1);
  }
  for (const auto& each : what.dead) {
    batch.Delete(state, delivery_key(notify_space::open, each.channel, each.id));
    batch.Put(state, delivery_key(notify_space::dead, each.channel, each.id), encode(each));
    after.next_id = std::max(after.next_id, each.id + 1);
  }
  for (const auto& [channel, id] : what.sent) batch.Delete(state, delivery_key(notify_space::open, channel, id));
  for (const auto& [channel, id] : what.forgotten) batch.Delete(state, delivery_key(notify_space::dead, channel, id));
  for (const auto& each : what.told) batch.Put(state, told_key(finding_id(each.raised)), encode(each));
  for (const auto& finding : what.over) batch.Delete(state, told_key(finding));
  for (const auto& each : what.digests)
    batch.Put(state, pair_key(notify_space::digest, each.channel, each.factory), encode(each));
  for (const auto& [channel, of] : what.digests_told) batch.Delete(state, pair_key(notify_space::digest, channel, of));
  for (const auto& each : what.groups) batch.Put(state, group_key(each.channel, each.opener), encode(each));
  for (const auto& [channel, opener] : what.groups_over) batch.Delete(state, group_key(channel, opener));
  for (const auto& each : what.chatters) {
    const auto [sensor, rule] = chatter_place(each.newest);
    batch.Put(state, pair_key(notify_space::chatter, sensor, rule), encode(each));
  }
  for (const auto& [sensor, rule] : what.calm) batch.Delete(state, pair_key(notify_space::chatter, sensor, rule));
  batch.Put(state, notify_prefix(notify_space::position), encode(after));
  return impl_->rocks.write(batch, false, "storing notifications");
}

expected<std::optional<std::uint64_t>> notify_store::cursor() const {
  const auto stored = impl_->position();
  if (!stored) return tl::unexpected(stored.error());
  return *stored ? std::optional((*stored)->cursor) : std::nullopt;
}

expected<std::uint64_t> notify_store::next_id() const {
  const auto stored = impl_->position();
  if (!stored) return tl::unexpected(stored.error());
  return stored->value_or(notify_position{}).next_id;
}

expected<void> notify_store::visit_open(const std::function<void(delivery)>& each) const {
  return impl_->visit<delivery>(notify_space::open, each);
}
expected<void> notify_store::visit_dead(const std::function<void(delivery)>& each) const {
  return impl_->visit<delivery>(notify_space::dead, each);
}
expected<void> notify_store::visit_told(const std::function<void(told_alert)>& each) const {
  return impl_->visit<told_alert>(notify_space::told, each);
}
expected<void> notify_store::visit_digests(const std::function<void(alert_digest)>& each) const {
  return impl_->visit<alert_digest>(notify_space::digest, each);
}
expected<void> notify_store::visit_groups(const std::function<void(notice_group)>& each) const {
  return impl_->visit<notice_group>(notify_space::group, each);
}
expected<void> notify_store::visit_chatters(const std::function<void(chatter)>& each) const {
  return impl_->visit<chatter>(notify_space::chatter, each);
}
expected<std::optional<delivery>> notify_store::find_open(channel_id channel, std::uint64_t id) const {
  return impl_->find(notify_space::open, channel, id);
}
expected<std::optional<delivery>> notify_store::find_dead(channel_id channel, std::uint64_t id) const {
  return impl_->find(notify_space::dead, channel, id);
}

expected<std::vector<delivery>> notify_store::dead_letters(channel_id channel, std::uint64_t before, std::size_t limit) const {
  const std::string first = delivery_key(notify_space::dead, channel, 0);
  const std::unique_ptr<rocksdb::Iterator> it(impl_->rocks.db->NewIterator(rocksdb::ReadOptions(), impl_->state()));
  std::vector<delivery> found;
  it->SeekForPrev(delivery_key(notify_space::dead, channel, before));
  if (it->Valid() && it->key() == rocksdb::Slice(delivery_key(notify_space::dead, channel, before))) it->Prev();
  for (; it->Valid() && it->key().compare(first) >= 0 && found.size() < limit; it->Prev())
    if (!decode(to_view(it->value()), found.emplace_back())) return damaged_notification();
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the dead letters"));
  return found;
}

expected<std::optional<std::uint64_t>> notify_store::oldest_dead_letter(channel_id channel, std::uint64_t after) const {
  const std::unique_ptr<rocksdb::Iterator> it(impl_->rocks.db->NewIterator(rocksdb::ReadOptions(), impl_->state()));
  it->Seek(delivery_key(notify_space::dead, channel, after + 1));
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the dead letters"));
  delivery found;
  if (!it->Valid() || !it->key().starts_with(delivery_key(notify_space::dead, channel, 0).substr(0, 6))) return std::nullopt;
  if (!decode(to_view(it->value()), found)) return damaged_notification();
  return found.id;
}

expected<void> notify_store::remove_channel(channel_id channel) {
  rocksdb::WriteBatch batch;
  for (const auto space : {notify_space::open, notify_space::dead})
    batch.DeleteRange(impl_->state(), delivery_key(space, channel, 0), delivery_key(space, channel, UINT64_MAX));
  batch.DeleteRange(impl_->state(), pair_key(notify_space::digest, channel, 0),
                    pair_key(notify_space::digest, channel, UINT32_MAX));
  batch.DeleteRange(impl_->state(), group_key(channel, ""), group_key(channel + 1, ""));
  return impl_->rocks.write(batch, false, "deleting a channel's notifications");
}

}  // namespace factory
