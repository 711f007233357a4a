#pragma once

#include <rocksdb/env.h>

/// For this room only: what RocksDB reads of its logs and manifests.
///
/// RocksDB marks the records of recycled log files by types of their own. We recycle none, so such a type is a turned bit. RocksDB 9.10
/// (db/log_reader.cc, ReadPhysicalRecord) then returns without having moved on, and its caller asks again, for ever. So it never sees
/// such a record: a log ends before it, as before any other record that cannot be read, and a manifest is damaged.
namespace factory {

/// Lives as long as the process.
rocksdb::Env* checked_environment();

}  // namespace factory
