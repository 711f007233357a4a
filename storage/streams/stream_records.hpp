#pragma once

#include "storage/base/rocks.hpp"
#include "storage/streams/machine_mark_store.hpp"
#include "storage/streams/pipeline_store.hpp"

#include <string>
#include <string_view>

/// For this room only: states of pipeline instances in the column family `state`.
namespace factory {

std::string stream_state_key(const stream_key& key);
std::string encode_stream_state(std::uint64_t applied_sequence, std::string_view state);
/// The mark, and the removal of those that are too many with it.
expected<void> stage_mark(rocksdb::WriteBatch& batch, const database::impl& rocks, const saved_mark& saved);

}  // namespace factory
