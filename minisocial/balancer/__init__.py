"""Chooses the request node: policies, health, bounded waiting, a read service and a write service."""

from minisocial.balancer.balancer import FORMS, Balancer, BalancerSnapshot, ErrorPage
from minisocial.balancer.policies import POLICIES
from minisocial.balancer.service import ServiceSnapshot

__all__ = ["FORMS", "POLICIES", "Balancer", "BalancerSnapshot", "ErrorPage", "ServiceSnapshot"]
