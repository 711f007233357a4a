#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"
#include "storage/streams/stream_records.hpp"

#include <xxhash.h>

#include <memory>

namespace factory {

namespace {

constexpr std::uint8_t stream_state_version = 1;
constexpr std::string_view stream_state_prefix = "pipeline:";

bool read_stream_state_key(std::string_view key, stream_key& out) {
  if (!key.starts_with(stream_state_prefix)) return false;
  key.remove_prefix(stream_state_prefix.size());
  return get_key32(key, out.pipeline) && get_key32(key, out.version) && get_key32(key, out.machine) && key.empty();
}

}  // namespace

std::string stream_state_key(const stream_key& key) {
  std::string out(stream_state_prefix);
  put_key32(out, key.pipeline);
  put_key32(out, key.version);
  put_key32(out, key.machine);
  return out;
}

std::string encode_stream_state(std::uint64_t applied_sequence, std::string_view state) {
  std::string out = begin_record(stream_state_version);
  put_varint(out, applied_sequence);
  put_text(out, state);
  put_fixed64(out, XXH3_64bits(out.data(), out.size()));
  return out;
}

expected<std::optional<stream_state_store::stored>> stream_state_store::get(const stream_key& key) const {
  const database::impl& rocks = db_.raw();
  std::string record;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rocks.at(column::state), stream_state_key(key), &record);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return tl::unexpected(to_error(status, "reading a pipeline's state"));
  stored found;
  std::uint64_t checksum = 0;
  std::string_view in = record;
  const bool whole =
      begin_record(in, stream_state_version) && get_varint(in, found.applied_sequence) && get_text(in, found.state);
  const std::uint64_t computed = XXH3_64bits(record.data(), record.size() - in.size());
  if (whole && get_fixed64(in, checksum) && in.empty() && checksum == computed) return found;
  return fail(errc::corrupt, "The stored state of pipeline " + std::to_string(key.pipeline) +
                                 " is damaged or of a newer version; restore the newest snapshot.");
}

expected<void> stream_state_store::visit(const std::function<void(const stream_key&)>& each) const {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  stream_key key;
  for (it->Seek(to_slice(stream_state_prefix)); it->Valid() && read_stream_state_key(to_view(it->key()), key); it->Next())
    each(key);
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the pipelines' states"));
  return {};
}

expected<void> stream_state_store::remove(const std::vector<stream_key>& keys) {
  if (keys.empty()) return {};
  database::impl& rocks = db_.raw();
  rocksdb::WriteBatch batch;
  for (const auto& each : keys) batch.Delete(rocks.at(column::state), stream_state_key(each));
  return rocks.write(batch, false, "removing the states of a pipeline");
}

}  // namespace factory
