#include "storage/admin/backtest_store.hpp"

#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"

#include <algorithm>
#include <mutex>

namespace factory {

namespace {

// Key spaces of the column family of jobs, by first byte (docs/reference/storage-format.md): b backtest, c what it came to, m next id.
constexpr std::uint8_t backtest_version = 1;
constexpr std::string_view next_backtest_key = "m";

std::string backtest_key(char space, std::uint64_t id) {
  std::string key(1, space);
  put_key64(key, id);
  return key;
}

std::string encode(const stored_backtest& info) {
  std::string out = begin_record(backtest_version);
  put_varint(out, info.id);
  put_varint(out, info.within);
  put_byte(out, static_cast<std::uint8_t>(info.state));
  put_zigzag(out, info.created_at_us);
  put_varint(out, info.readings);
  put_double(out, info.share);
  put_text(out, info.failure);
  return out;
}
bool decode(std::string_view in, stored_backtest& info) {
  std::uint8_t state = 0;
  const bool good = begin_record(in, backtest_version) && get_varint(in, info.id) && get_varint_as(in, info.within) &&
                    get_byte(in, state) && state <= static_cast<std::uint8_t>(stored_backtest::condition::cancelled) &&
                    get_zigzag(in, info.created_at_us) && get_varint(in, info.readings) && get_double(in, info.share) &&
                    get_text(in, info.failure) && in.empty();
  info.state = static_cast<stored_backtest::condition>(state);
  return good;
}

tl::unexpected<error> unreadable_backtest() {
  return fail(errc::corrupt,
              "A stored backtest cannot be read: the database is damaged or of a newer version, restore the newest snapshot.");
}

}  // namespace

struct backtest_store::impl {
  explicit impl(database& db) : rocks(db.raw()) {}
  database::impl& rocks;
  std::mutex guard;
  std::uint64_t next = 1;  ///< guarded by guard

  rocksdb::ColumnFamilyHandle* jobs() const { return rocks.at(column::jobs); }
};

backtest_store::backtest_store(database& db) : impl_(std::make_unique<impl>(db)) {}
backtest_store::~backtest_store() = default;

expected<std::vector<stored_backtest>> backtest_store::load() {
  std::vector<stored_backtest> all;
  const std::unique_ptr<rocksdb::Iterator> it(impl_->rocks.db->NewIterator(rocksdb::ReadOptions(), impl_->jobs()));
  for (it->Seek("b"); it->Valid() && it->key().starts_with("b"); it->Next())
    if (!decode(to_view(it->value()), all.emplace_back())) return unreadable_backtest();
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the backtests"));
  std::string next;
  const auto status = impl_->rocks.db->Get(rocksdb::ReadOptions(), impl_->jobs(), to_slice(next_backtest_key), &next);
  if (!status.ok() && !status.IsNotFound()) return tl::unexpected(to_error(status, "reading the backtests"));
  std::string_view in = next;
  if (status.ok() && !get_varint(in, impl_->next)) return unreadable_backtest();
  for (auto& each : all) {
    using condition = stored_backtest::condition;
    if (each.state != condition::waiting && each.state != condition::running) continue;
    each.failure = each.state == condition::waiting ? "The program ended before it began; ask again."
                                                    : "The program ended while it ran; ask again.";
    each.state = condition::failed;
    if (auto stored = put(each); !stored) return tl::unexpected(std::move(stored.error()));
  }
  return all;
}

expected<std::uint64_t> backtest_store::next_id() {
  const std::lock_guard lock(impl_->guard);
  std::string value;
  put_varint(value, impl_->next + 1);
  rocksdb::WriteBatch batch;
  batch.Put(impl_->jobs(), to_slice(next_backtest_key), value);
  return impl_->rocks.write(batch, false, "recording a backtest").map([this] { return impl_->next++; });
}

expected<void> backtest_store::put(const stored_backtest& info, std::optional<std::string_view> result) {
  rocksdb::WriteBatch batch;
  batch.Put(impl_->jobs(), backtest_key('b', info.id), encode(info));
  if (result) batch.Put(impl_->jobs(), backtest_key('c', info.id), to_slice(*result));
  return impl_->rocks.write(batch, false, "recording a backtest");
}

expected<std::optional<std::string>> backtest_store::result(std::uint64_t id) const {
  std::string value;
  const auto status = impl_->rocks.db->Get(rocksdb::ReadOptions(), impl_->jobs(), backtest_key('c', id), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return tl::unexpected(to_error(status, "reading what a backtest came to"));
  return value;
}

expected<void> backtest_store::remove(const std::vector<std::uint64_t>& ids) {
  if (ids.empty()) return {};
  rocksdb::WriteBatch batch;
  for (const auto id : ids)
    for (const char space : {'b', 'c'}) batch.Delete(impl_->jobs(), backtest_key(space, id));
  return impl_->rocks.write(batch, false, "removing a backtest");
}

}  // namespace factory
