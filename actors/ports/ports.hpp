#pragma once

#include "actors/ports/admin_port.hpp"
#include "actors/ports/catalog_port.hpp"
#include "actors/ports/ingest_port.hpp"
#include "actors/ports/operate_port.hpp"
#include "actors/ports/query_port.hpp"

namespace factory {

/// What the rooms above get of the engine: everything, by port. Code there takes the one port that it uses; what uses several takes this.
/// Calls block, are thread-safe, and wait at most their deadline (limits::commit_deadline_ms, limits::query_deadline_ms), then fail
/// with timed_out. None of them tells where a sensor's actor or its blocks are.
class ports : public ingest_port, public query_port, public catalog_port, public operate_port, public admin_port {};

}  // namespace factory
