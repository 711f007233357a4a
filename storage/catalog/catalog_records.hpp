#pragma once

#include "storage/catalog/catalog.hpp"

#include <string>
#include <string_view>
#include <utility>

/// For this room only: how the catalog lies on disk (docs/reference/storage-format.md).
namespace factory {

/// First byte of a key; the id follows, big-endian.
enum class record_kind : char { factory = 'f', machine = 'm', sensor = 's', rule = 'r', channel = 'c' };
constexpr record_kind kind_of(const factory_entry*) { return record_kind::factory; }
constexpr record_kind kind_of(const machine_entry*) { return record_kind::machine; }
constexpr record_kind kind_of(const sensor_entry*) { return record_kind::sensor; }
constexpr record_kind kind_of(const alert_rule*) { return record_kind::rule; }
constexpr record_kind kind_of(const channel_entry*) { return record_kind::channel; }
template <class Entry>
constexpr record_kind kind_of_entry = kind_of(static_cast<const Entry*>(nullptr));

std::string record_key(record_kind kind, std::uint32_t id);
/// Holds the next id of the kind, so that no id is given twice, even after its owner was deleted.
std::string counter_key(record_kind kind);
inline constexpr std::string_view version_key = "v";

std::string encode(const factory_entry& entry);
std::string encode(const machine_entry& entry);
std::string encode(const sensor_entry& entry);
std::string encode(const alert_rule& entry);
std::string encode(const channel_entry& entry);  ///< channel_records.cpp
/// False when the bytes are no such record.
bool decode(std::string_view in, factory_entry& entry);
bool decode(std::string_view in, machine_entry& entry);
bool decode(std::string_view in, sensor_entry& entry);
bool decode(std::string_view in, alert_rule& entry);
bool decode(std::string_view in, channel_entry& entry);
/// Whether a machine's record was written when sensors had been told whether it is in operation.
bool knows_suppression(std::string_view machine);

}  // namespace factory
