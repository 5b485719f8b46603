/*
 * The dumbbell in ns-3: pairs of hosts on both sides of two routers, one bulk transfer per pair. It is the
 * peer of bench/end_dumbbell.c: the same topology, rates, delays and queues, CUBIC with SACK, timestamps,
 * window scaling and delayed ACKs. Where there was a choice, what costs ns-3 least was taken: no checksums
 * (they are off unless asked for), payload without content, no header but PPP's, queues of the devices alone,
 * the cheapest of its three ways to route.
 *
 *     ns3_dumbbell PAIRS BOTTLENECK_MBIT ACCESS_MBIT DELAY_US QUEUE_PACKETS SECONDS [static|global|nix]
 *
 * It prints one JSON object.
 */
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/nix-vector-routing-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/traffic-control-helper.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

using namespace ns3;

static const uint32_t SEGMENT_BYTES = 1448; // 1500 with IPv4, TCP and timestamps
static const uint32_t BUFFER_BYTES = 4 << 20;
static const uint64_t START_EVERY_US = 500;
static const uint16_t PORT = 5001;

static uint64_t bottleneckPackets, bottleneckBytes;

static void CountSent(Ptr<const Packet> packet)
{
    bottleneckPackets++;
    bottleneckBytes += packet->GetSize();
}

static double CpuSeconds()
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long PeakKib()
{
    char line[256];
    long peak = 0;
    FILE *status = std::fopen("/proc/self/status", "r");
    while (status && std::fgets(line, sizeof line, status))
        if (std::sscanf(line, "VmHWM: %ld", &peak) == 1)
            break;
    if (status)
        std::fclose(status);
    return peak;
}

static void Configure(uint32_t queuePackets)
{
    std::string queue = std::to_string(queuePackets) + "p";
    Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TcpCubic::GetTypeId()));
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(SEGMENT_BYTES));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(BUFFER_BYTES));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(BUFFER_BYTES));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::DropTailQueue<Packet>::MaxSize", QueueSizeValue(QueueSize(queue)));
}

/** A network of two on a link; no queue discipline above the device's own queue. */
static Ipv4InterfaceContainer Number(const NetDeviceContainer &devices, const std::string &network)
{
    Ipv4AddressHelper addresses;
    addresses.SetBase(network.c_str(), "255.255.255.0");
    Ipv4InterfaceContainer made = addresses.Assign(devices);
    TrafficControlHelper traffic;
    for (uint32_t i = 0; i < devices.GetN(); i++)
        traffic.Uninstall(devices.Get(i));
    return made;
}

static std::string Network(int side, uint32_t pair)
{
    return "10." + std::to_string(side + (int)(pair / 250)) + "." + std::to_string(pair % 250) + ".0";
}

static Ptr<Ipv4StaticRouting> Routes(Ptr<Node> node)
{
    return Ipv4StaticRoutingHelper().GetStaticRouting(node->GetObject<Ipv4>());
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        std::fprintf(stderr, "usage: ns3_dumbbell PAIRS BOTTLENECK_MBIT ACCESS_MBIT DELAY_US QUEUE_PACKETS SECONDS "
                             "[static|global|nix]\n");
        return 2;
    }
    uint32_t pairs = (uint32_t)std::atoi(argv[1]);
    std::string routing = argc > 7 ? argv[7] : "static";
    Configure((uint32_t)std::atoi(argv[5]));

    NodeContainer senders, receivers, routers;
    senders.Create(pairs);
    receivers.Create(pairs);
    routers.Create(2);
    InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    Ipv4NixVectorHelper nix;
    if (routing == "nix")
        stack.SetRoutingHelper(nix);
    stack.InstallAll();

    PointToPointHelper bottleneck, access;
    bottleneck.SetDeviceAttribute("DataRate", StringValue(std::string(argv[2]) + "Mbps"));
    bottleneck.SetChannelAttribute("Delay", StringValue(std::string(argv[4]) + "us"));
    access.SetDeviceAttribute("DataRate", StringValue(std::string(argv[3]) + "Mbps"));
    access.SetChannelAttribute("Delay", StringValue("0us"));

    NetDeviceContainer middle = bottleneck.Install(routers.Get(0), routers.Get(1));
    Ipv4InterfaceContainer middleAddresses = Number(middle, "10.255.0.0");
    middle.Get(0)->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&CountSent));

    ApplicationContainer sinks;
    for (uint32_t i = 0; i < pairs; i++) {
        Ipv4InterfaceContainer left = Number(access.Install(senders.Get(i), routers.Get(0)), Network(1, i));
        Ipv4InterfaceContainer right = Number(access.Install(receivers.Get(i), routers.Get(1)), Network(101, i));
        if (routing == "static") {
            Routes(senders.Get(i))->SetDefaultRoute(left.GetAddress(1), 1);
            Routes(receivers.Get(i))->SetDefaultRoute(right.GetAddress(1), 1);
        }
        BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(right.GetAddress(0), PORT));
        PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), PORT));
        ApplicationContainer started = source.Install(senders.Get(i));
        started.Start(MicroSeconds(START_EVERY_US * i));
        sinks.Add(sink.Install(receivers.Get(i)));
    }
    if (routing == "static") { // the first router's interface to the second has index 1, and the other way round
        Routes(routers.Get(0))->SetDefaultRoute(middleAddresses.GetAddress(1), 1);
        Routes(routers.Get(1))->SetDefaultRoute(middleAddresses.GetAddress(0), 1);
    } else if (routing == "global") {
        Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    }
    sinks.Start(Seconds(0));

    double seconds = std::atof(argv[6]), began = CpuSeconds();
    Simulator::Stop(Seconds(seconds));
    Simulator::Run();
    double took = CpuSeconds() - began;

    uint64_t received = 0;
    for (uint32_t i = 0; i < pairs; i++)
        received += DynamicCast<PacketSink>(sinks.Get(i))->GetTotalRx();
    std::printf("{\"cpu_seconds\": %.3f, \"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"received_bytes\": %" PRIu64
                ", \"rss_kib\": %ld, \"events\": %" PRIu64 "}\n",
                took, bottleneckPackets, bottleneckBytes, received, PeakKib(), Simulator::GetEventCount());
    Simulator::Destroy();
    return 0;
}
