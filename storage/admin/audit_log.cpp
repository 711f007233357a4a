#include "storage/admin/audit_log.hpp"

#include "storage/base/rocks.hpp"

#include "storage/base/limits.hpp"
#include "storage/base/record.hpp"

#include <mutex>

namespace factory {

namespace {

constexpr std::uint8_t audit_version = 2;
constexpr std::uint8_t version_without_client = 1;
constexpr char audit_space = 'u';

std::string key_of(std::uint64_t sequence) {
  std::string key(1, audit_space);
  put_key64(key, sequence);
  return key;
}

bool read_key(std::string_view key, std::uint64_t& sequence) {
  if (key.empty() || key.front() != audit_space) return false;
  key.remove_prefix(1);
  return get_key64(key, sequence) && key.empty();
}

std::string encode(const audit_record& record) {
  std::string out = begin_record(audit_version);
  put_zigzag(out, record.at_us);
  put_text(out, record.who);
  put_text(out, record.method);
  put_text(out, record.path);
  put_varint(out, record.thing);
  put_varint(out, record.status);
  put_text(out, record.client);
  return out;
}

bool decode(std::string_view in, audit_record& record) {
  std::uint8_t version = 0;
  const bool good = begin_record(in, audit_version, version) && get_zigzag(in, record.at_us) && get_text(in, record.who) &&
                    get_text(in, record.method) && get_text(in, record.path) && get_varint(in, record.thing) &&
                    get_varint_as(in, record.status);
  return good && (version == version_without_client || get_text(in, record.client)) && in.empty();
}

}  // namespace

struct audit_log::impl {
  explicit impl(database& db) : rocks(db.raw()) {}
  database::impl& rocks;
  std::mutex guard;
  std::uint64_t last = 0;

  rocksdb::ColumnFamilyHandle* state() const { return rocks.at(column::state); }
  std::unique_ptr<rocksdb::Iterator> iterate() const {
    return std::unique_ptr<rocksdb::Iterator>(rocks.db->NewIterator(rocksdb::ReadOptions(), state()));
  }
};

audit_log::audit_log(database& db) : impl_(std::make_unique<impl>(db)) {}
audit_log::~audit_log() = default;

expected<void> audit_log::load() {
  const auto it = impl_->iterate();
  it->SeekForPrev(key_of(UINT64_MAX));
  if (it->Valid() && !read_key(to_view(it->key()), impl_->last)) impl_->last = 0;
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the audit log"));
  return {};
}

expected<void> audit_log::append(audit_record record) {
  const std::lock_guard lock(impl_->guard);
  const std::uint64_t sequence = impl_->last + 1;
  rocksdb::WriteBatch batch;
  batch.Put(impl_->state(), key_of(sequence), encode(record));
  if (sequence > limits::audit_records) batch.Delete(impl_->state(), key_of(sequence - limits::audit_records));
  if (auto written = impl_->rocks.write(batch, true, "writing the audit log"); !written) return written;
  impl_->last = sequence;
  return {};
}

expected<std::vector<audit_record>> audit_log::newest(std::uint64_t before, std::size_t limit) const {
  std::vector<audit_record> found;
  const auto it = impl_->iterate();
  std::uint64_t sequence = 0;
  for (it->SeekForPrev(key_of(before == 0 ? UINT64_MAX : before - 1)); it->Valid() && found.size() < limit; it->Prev()) {
    if (!read_key(to_view(it->key()), sequence)) break;
    audit_record record;
    record.sequence = sequence;
    if (!decode(to_view(it->value()), record))
      return fail(errc::corrupt,
                  "A record of the audit log cannot be read: the database is damaged or of a newer version, restore the newest "
                  "snapshot.");
    found.push_back(std::move(record));
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the audit log"));
  return found;
}

}  // namespace factory
