#include "storage/base/record.hpp"
#include "storage/base/rocks.hpp"
#include "storage/state/state_record.hpp"

#include <xxhash.h>

namespace factory {

namespace {

constexpr std::uint8_t state_version = 1;

}  // namespace

std::string state_key(sensor_id sensor) {
  std::string key(1, sensor_state_prefix);
  put_key32(key, sensor);
  return key;
}

bool read_state_key(std::string_view key, sensor_id& sensor) {
  if (key.empty() || key.front() != sensor_state_prefix) return false;
  key.remove_prefix(1);
  return get_key32(key, sensor) && key.empty();
}

std::string encode_state(std::uint64_t applied_sequence, std::string_view state) {
  std::string out = begin_record(state_version);
  out.reserve(state.size() + 24);
  put_varint(out, applied_sequence);
  put_text(out, state);
  put_fixed64(out, XXH3_64bits(out.data(), out.size()));
  return out;
}

expected<state_store::stored> decode_state(sensor_id sensor, std::string_view record) {
  std::uint64_t checksum = 0;
  state_store::stored found;
  std::string_view in = record;
  const bool whole = begin_record(in, state_version) && get_varint(in, found.applied_sequence) && get_text(in, found.state);
  const std::uint64_t computed = XXH3_64bits(record.data(), record.size() - in.size());
  if (whole && get_fixed64(in, checksum) && in.empty() && checksum == computed) return found;
  return fail(errc::corrupt, "The stored state of sensor " + std::to_string(sensor) +
                                 " is damaged or of a newer version; restore the newest snapshot.");
}

state_store::state_store(database& db) : db_(db) {}

expected<std::optional<state_store::stored>> state_store::get(sensor_id sensor) const {
  const database::impl& rocks = db_.raw();
  std::string record;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rocks.at(column::state), state_key(sensor), &record);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return tl::unexpected(to_error(status, "reading a sensor's state"));
  return decode_state(sensor, record).map([](stored found) { return std::optional(std::move(found)); });
}

expected<void> state_store::visit(const std::function<void(sensor_id, stored)>& each) const {
  const database::impl& rocks = db_.raw();
  const std::unique_ptr<rocksdb::Iterator> it(rocks.db->NewIterator(rocksdb::ReadOptions(), rocks.at(column::state)));
  sensor_id sensor = 0;
  for (it->Seek(state_key(0)); it->Valid() && read_state_key(to_view(it->key()), sensor); it->Next()) {
    auto found = decode_state(sensor, to_view(it->value()));
    if (!found) return tl::unexpected(found.error());
    each(sensor, std::move(*found));
  }
  if (!it->status().ok()) return tl::unexpected(to_error(it->status(), "reading the sensors' states"));
  return {};
}

}  // namespace factory
