#pragma once

#include "bench/recordings.hpp"
#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Stores the recording in a data directory of its own, with all analysis on, compacts it, reads every reading back and compares the
/// bits. The result is the bytes of the blocks for each reading in them; disk_bytes is the whole directory, mirror and logs included.
/// Throws std::runtime_error when a reading is missing or differs.
figures factory_bytes(const recording& what);

/// The same readings in InfluxDB: the bytes of its TSM files once it has compacted them; disk_bytes is all it keeps.
figures influxdb_bytes(const recording& what);

}  // namespace factory::bench
