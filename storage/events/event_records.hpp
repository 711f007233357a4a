#pragma once

#include "pipelines/model/event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// For this room only: how events lie on disk (storage/README.md). Key spaces of the column family, by first byte:
///   k  event key          -> the event itself; in key order, so that the digest needs no sorting
///   l  sequence           -> event key, at_us: the log
///   s  sensor, sequence   -> likewise: the log of one sensor
///   a  sequence of raise  -> event key of the raise: every alert
///   o  sequence of raise  -> likewise: alerts not cleared
///   i  sequence           -> likewise: every anomaly, by the event that states it
///   j  sensor, sequence   -> likewise: the anomalies of one sensor
///   p  sequence           -> likewise: anomalies not closed
///   v                     -> the spaces i, j and p are complete
///   z  zone               -> what a stretch of the log holds (event_zones.hpp)
///   y                     -> how far these go
///   c                     -> event_counters
///   n                     -> sequences up to this one may have been given out
namespace factory {

std::string event_record_key(const event_key& key);
/// All events of one finding lie behind this.
std::string finding_prefix(const event_key& key);

std::string encode_event(const event& e);
/// `record_key` with its first byte.
bool decode_event(std::string_view record_key, std::string_view record, event& e);

std::string log_key(std::uint64_t sequence);
std::string sensor_log_key(sensor_id sensor, std::uint64_t sequence);
std::string alert_key(std::uint64_t raised_sequence);
std::string open_alert_key(std::uint64_t raised_sequence);
std::string anomaly_key(std::uint64_t sequence);
std::string sensor_anomaly_key(sensor_id sensor, std::uint64_t sequence);
std::string open_anomaly_key(std::uint64_t sequence);
inline constexpr std::string_view counters_key = "c";
inline constexpr std::string_view indexed_key = "v";

/// What an entry of the log tells without the event.
struct log_entry {
  event_key key;
  std::int64_t at_us = 0;
  std::uint64_t sequence = 0;  ///< from the key of the entry
};
std::string encode_log_entry(const event& e);
bool decode_log_entry(std::string_view in, log_entry& entry);

struct event_counters {
  std::uint64_t last_sequence = 0, anomalies = 0, alerts = 0, active_alerts = 0;
};
std::string encode_counters(const event_counters& counters);
bool decode_counters(std::string_view in, event_counters& counters);

inline constexpr std::string_view reserved_key = "n";
std::string encode_reserved(std::uint64_t sequence);
bool decode_reserved(std::string_view in, std::uint64_t& sequence);

}  // namespace factory
