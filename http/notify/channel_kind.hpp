#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/notify/notice.hpp"
#include "http/notify/transfers.hpp"
#include "storage/catalog/channel.hpp"
#include "storage/notify/notify_store.hpp"

namespace factory {

/// How the channels of one type speak. A new type is a line of channel_type and a file with these two functions.
struct channel_kind {
  /// What is stored with a delivery and sent in each attempt: the same bytes.
  std::string (*content)(const channel_entry& to, const notice& what);
  /// One attempt. `what.content` is from content().
  transfer (*request)(const channel_entry& to, const delivery& what, std::int64_t now_us);
};
const channel_kind& kind_of_channel(channel_type type);

/// What all requests to a channel have.
transfer transfer_to(const channel_entry& to, std::string content);

/// "v1,BASE64": HMAC-SHA256 with the channel's secret over "ID.SECONDS.CONTENT", as Standard Webhooks writes it.
std::string webhook_signature(std::string_view secret, std::string_view id, std::int64_t seconds, std::string_view content);

// The kinds, each in its file.
std::string webhook_content(const channel_entry& to, const notice& what);
transfer webhook_request(const channel_entry& to, const delivery& what, std::int64_t now_us);
std::string alertmanager_content(const channel_entry& to, const notice& what);
transfer alertmanager_request(const channel_entry& to, const delivery& what, std::int64_t now_us);
std::string email_content(const channel_entry& to, const notice& what);
transfer email_request(const channel_entry& to, const delivery& what, std::int64_t now_us);

/// The alerts as Alertmanager wants to hear of them again and again while they are active: else it takes them for resolved.
std::string alertmanager_reminder(const channel_entry& to, const std::vector<notice>& active, std::int64_t now_us);

}  // namespace factory
