/*
 * ICMP echo: whole data back, from the address that was asked (RFC 792, RFC 1122 3.2.2.6, RFC 4443 4).
 */
#include "tests/net/rig.h"

TEST(answers_echo_with_the_same_data)
{
    struct rig *rig = rig_new();
    int port = rig_ethernet(rig, "10.0.0.1/24");
    rig_neighbour(rig, port, "10.0.0.2", PEER);
    // RFC 792-12
    rig_icmp(rig, port, (struct ip){.from = "10.0.0.2", .to = "10.0.0.1"}, ICMP_ECHO, 0, 0x00070003, "hello", 5);
    EXPECT(rig, port, "10.0.0.1 > 10.0.0.2 ICMP echo reply id=7 seq=3 length=5");
    CHECK_MEM(rig->frame + rig->frame_length - 5, "hello", 5);
    CHECK_EQ(COUNT(rig, icmp_echo_replies_sent), 1);
    EXPECT_SILENCE(rig);
    rig_free(rig);
}

TEST_MAIN(TEST_ENTRY(answers_echo_with_the_same_data))
