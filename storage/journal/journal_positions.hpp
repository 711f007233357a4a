#pragma once

#include <vector>

#include "pipelines/model/result.hpp"
#include "storage/base/rocks.hpp"
#include "storage/journal/journal_entry.hpp"

/// For this room only: the newest position of each source, in the column family `state` under 'journal_source:', partition and source. It
/// is written in the batch of the entry that brings it, and stays when the entry is trimmed.
namespace factory {

void put_position(rocksdb::WriteBatch& batch, const database::impl& rocks, const source_position& at);
expected<std::vector<source_position>> read_positions(const database::impl& rocks);

}  // namespace factory
