#include "storage/journal/journal_positions.hpp"

#include <string>
#include <string_view>

#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

constexpr std::string_view prefix = "journal_source:";
constexpr std::uint8_t position_version = 1;

bool decode(std::string_view key, std::string_view value, source_position& at) {
  std::uint8_t version = 0;
  key.remove_prefix(prefix.size());
  if (!get_key32(key, at.partition) || !get_byte(value, version) || version != position_version || !get_zigzag(value, at.offset))
    return false;
  at.source.assign(key);
  return value.empty();
}

}  // namespace

void put_position(rocksdb::WriteBatch& batch, const database::impl& rocks, const source_position& at) {
  std::string key(prefix), value;
  put_key32(key, at.partition);
  key += at.source;
  put_byte(value, position_version);
  put_zigzag(value, at.offset);
  batch.Put(rocks.at(column::state), key, value);
}

expected<std::vector<source_position>> read_positions(const database::impl& rocks) {
  std::vector<source_position> found;
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  for (it->Seek(to_slice(prefix)); it->Valid() && it->key().starts_with(to_slice(prefix)); it->Next())
    if (!decode(to_view(it->key()), to_view(it->value()), found.emplace_back()))
      return fail(errc::corrupt,
                  "The position of a source of the journal is damaged or of a newer version; restore the newest snapshot.");
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the positions of sources"));
  return found;
}

}  // namespace factory
