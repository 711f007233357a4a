#pragma once

#include "storage/base/rocks.hpp"
#include "storage/block/block.hpp"

/// For this room only.
namespace factory {

/// Adds a note to `batch` that the time of this block must be rolled up (again). REQUIRES: the batch also writes the block.
void note_for_rollup(rocksdb::WriteBatch& batch, const database::impl& rocks, const block& written);

}  // namespace factory
