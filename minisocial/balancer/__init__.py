"""Chooses the request node: policies, health, bounded waiting, a read service and a write service."""

from minisocial.balancer.balancer import Balancer, BalancerSnapshot, ErrorPage
from minisocial.balancer.policies import POLICIES
from minisocial.balancer.service import ServiceSnapshot

__all__ = ["POLICIES", "Balancer", "BalancerSnapshot", "ErrorPage", "ServiceSnapshot"]
