#pragma once

#include <string>
#include <string_view>

#include "storage/notify/notify_store.hpp"

/// For this room only: notifications in the column family `state`, all under 'w' (docs/reference/storage-format.md). Key spaces, by the
/// second byte:
///   c                -> cursor, next id
///   o  channel, id   -> an open delivery
///   d  channel, id   -> a dead letter
///   t  finding id    -> an alert that was told
///   g  channel, factory -> a digest that waits
///   k  sensor, rule     -> a chatter
///   m  channel, finding id of its opener -> a group of alarms
namespace factory {

enum class notify_space : char { position = 'c', open = 'o', dead = 'd', told = 't', digest = 'g', chatter = 'k', group = 'm' };

std::string notify_prefix(notify_space space);
std::string delivery_key(notify_space space, channel_id channel, std::uint64_t id);
std::string told_key(std::string_view finding);
std::string pair_key(notify_space space, std::uint32_t first, std::uint32_t second);  ///< of a digest, of a chatter

std::string group_key(channel_id channel, std::string_view opener);

std::string encode(const delivery& it);
bool decode(std::string_view in, delivery& it);
std::string encode(const told_alert& it);
bool decode(std::string_view in, told_alert& it);
std::string encode(const alert_digest& it);
bool decode(std::string_view in, alert_digest& it);
std::string encode(const notice_group& it);
bool decode(std::string_view in, notice_group& it);
std::string encode(const chatter& it);
bool decode(std::string_view in, chatter& it);

struct notify_position {
  std::uint64_t cursor = 0, next_id = 1;
};
std::string encode(const notify_position& it);
bool decode(std::string_view in, notify_position& it);

}  // namespace factory
