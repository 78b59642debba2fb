import CaiModel
import Testing

@Suite struct `Being inside a container` {
    @Test(arguments: [
        "0::/system.slice/docker-3f2a.scope", "12:cpu:/docker/3f2a", "0::/kubepods.slice/kubepods-burstable.slice/x",
        "1:name=systemd:/kubepods/besteffort/pod1/abc", "0::/../../cri-containerd-abc.scope",
        "0::/machine.slice/libpod-abc.scope/container", "0::/lxc.payload.c1/init.scope", "4:memory:/lxc/c1",
        "0::/crio-abc.scope", "5:cpuset:/garden/1a2b", "0::/default/nerdctl-abc.scope",
        "3:cpu:/\n0::/system.slice/docker.service/docker/abc",
    ])
    func `is told from the control group of a container`(groups: String) {
        let decision = ContainerDecision(ContainerFacts(controlGroups: groups))
        #expect(decision.isInsideContainer && decision.reasons.count == 1)
    }

    @Test(arguments: [
        "", "0::/", "0::/init.scope", "0::/system.slice/docker.service", "0::/system.slice/containerd.service",
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-docker-12.scope", "0::/lxc.monitor.c1",
        "0::/user.slice/user-1000.slice/session-3.scope", "0::/machine.slice/libpod-conmon-abc.scope",
        "4:memory:/process/dockerish", "garbage", "0::/srv/mydocker",
    ])
    func `is not told from a service or an application with a runtime's name`(groups: String) {
        #expect(!ContainerDecision(ContainerFacts(controlGroups: groups)).isInsideContainer)
    }

    @Test(arguments: [
        (ContainerFacts(pidNamespace: 0xEFFF_FFFC, userNamespace: 0xEFFF_FFFD), false),
        (ContainerFacts(pidNamespace: 4_026_532_500, userNamespace: 0xEFFF_FFFD), true),
        (ContainerFacts(pidNamespace: 0xEFFF_FFFC, userNamespace: 4_026_532_500), true), (ContainerFacts(), false),
        (ContainerFacts(hasContainerEnv: true), true), (ContainerFacts(containerVariable: "podman"), true),
        (ContainerFacts(containerVariable: ""), false),
    ])
    func `takes one proof`(facts: ContainerFacts, isInside: Bool) {
        let decision = ContainerDecision(facts)
        #expect(decision.isInsideContainer == isInside && decision.reasons.isEmpty != isInside)
    }

    @Test func `is not proved by /.dockerenv alone, and says so`() {
        let decision = ContainerDecision(ContainerFacts(hasDockerEnv: true))
        #expect(!decision.isInsideContainer && decision.reasons == ["/.dockerenv exists, which alone proves nothing."])
    }
}
